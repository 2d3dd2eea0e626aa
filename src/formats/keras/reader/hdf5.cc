#include "formats/keras/reader/hdf5.h"

#include <hdf5.h>

#include <set>

namespace pochade::keras {
namespace {

/// Deflate packs at most 1032 to 1 (RFC 1951 as zlib writes it); whole small datasets may be all fill value.
constexpr uint64_t kMostPacked = 1100;
constexpr uint64_t kSmallBytes = uint64_t{1} << 20;
constexpr uint64_t kMostAttributeBytes = uint64_t{64} << 20;
constexpr int kMostDepth = 64;
constexpr size_t kMostObjects = 1000000;

/// An HDF5 identifier that is closed in the end.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }  // NOLINT: implicit by design
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// IEEE 754 binary16, which the library has no name for.
hid_t half_type(H5T_order_t order) {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  H5Tset_order(type, order);
  return type;
}

/// How a dataset's elements travel; the memory type is little-endian.
struct Element {
  StreamType type;
  hid_t memory;
  uint64_t bytes;
};

Result<Element> element_of(hid_t type) {
  static const hid_t half = half_type(H5T_ORDER_LE);
  static const hid_t half_big = half_type(H5T_ORDER_BE);
  const std::pair<hid_t, Element> known[] = {
      {H5T_IEEE_F32LE, {StreamType::kF32, H5T_IEEE_F32LE, 4}},
      {H5T_IEEE_F32BE, {StreamType::kF32, H5T_IEEE_F32LE, 4}},
      {H5T_IEEE_F64LE, {StreamType::kF64, H5T_IEEE_F64LE, 8}},
      {H5T_IEEE_F64BE, {StreamType::kF64, H5T_IEEE_F64LE, 8}},
      {half, {StreamType::kF16, half, 2}},
      {half_big, {StreamType::kF16, half, 2}},
      {H5T_STD_I8LE, {StreamType::kI8, H5T_STD_I8LE, 1}},
      {H5T_STD_I16LE, {StreamType::kI16, H5T_STD_I16LE, 2}},
      {H5T_STD_I32LE, {StreamType::kI32, H5T_STD_I32LE, 4}},
      {H5T_STD_I64LE, {StreamType::kI64, H5T_STD_I64LE, 8}},
      {H5T_STD_U8LE, {StreamType::kU8, H5T_STD_U8LE, 1}},
      {H5T_STD_U16LE, {StreamType::kU16, H5T_STD_U16LE, 2}},
      {H5T_STD_U32LE, {StreamType::kU32, H5T_STD_U32LE, 4}},
      {H5T_STD_U64LE, {StreamType::kU64, H5T_STD_U64LE, 8}},
  };
  for (const auto& [file, element] : known)
    if (H5Tequal(type, file) > 0) return element;
  // h5py's truth values: an enumeration over int8.
  if (H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1) return Element{StreamType::kBool, type, 1};
  return Error::not_supported("its elements are of a type that no Keras model has");
}

class Walk {
 public:
  explicit Walk(Output& output) : output_(output) {}
  Status group(hid_t group, const std::string& path, int depth);

 private:
  Status link(hid_t group, const char* name, const std::string& path, int depth);
  Status dataset(hid_t dataset, const std::string& path);
  Status attributes(hid_t object, const std::string& path);
  Status attribute(hid_t attribute, const std::string& path);

  Output& output_;
  std::set<haddr_t> open_groups_;
  size_t objects_ = 0;
};

/// Runs `each` for the names that the library's iterators give, and remembers its error for after them.
template <typename F>
struct Visit {
  F each;
  Status status;
  static herr_t of_link(hid_t, const char* name, const H5L_info_t*, void* data) {
    return static_cast<Visit*>(data)->call(name);
  }
  static herr_t of_attribute(hid_t, const char* name, const H5A_info_t*, void* data) {
    return static_cast<Visit*>(data)->call(name);
  }
  herr_t call(const char* name) {
    status = each(name);
    return status ? 0 : -1;
  }
};

Status Walk::attribute(hid_t attribute, const std::string& path) {
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  if (!type.ok() || !space.ok()) return Error::invalid_model("attribute {} is damaged", path);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(type) != H5T_STRING || count < 0) {
    // A list of no names is written as an empty list of numbers.
    return count == 0 ? output_.attribute(path, {}) : Status();
  }
  std::vector<std::string> strings;
  if (static_cast<uint64_t>(count) > kMostAttributeBytes / 64)
    return Error::invalid_model("attribute {} has {} strings", path, static_cast<int64_t>(count));
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> texts(static_cast<size_t>(count), nullptr);
    const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (count > 0 && H5Aread(attribute, memory, texts.data()) < 0)
      return Error::invalid_model("attribute {} is damaged", path);
    for (const char* text : texts) strings.emplace_back(text == nullptr ? "" : text);
    if (count > 0) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data());
  } else {
    const size_t size = H5Tget_size(type);
    const hsize_t stored = H5Aget_storage_size(attribute);
    if (size == 0 || stored > kMostAttributeBytes ||
        static_cast<uint64_t>(count) * size > kMostAttributeBytes)
      return Error::invalid_model("attribute {} is too large", path);
    std::string bytes(static_cast<size_t>(count) * size, '\0');
    if (count > 0 && H5Aread(attribute, type, bytes.data()) < 0)
      return Error::invalid_model("attribute {} is damaged", path);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      const std::string_view text = std::string_view(bytes).substr(i * size, size);
      strings.emplace_back(text.substr(0, text.find('\0')));
    }
  }
  return output_.attribute(path, strings);
}

Status Walk::attributes(hid_t object, const std::string& path) {
  Visit visit{[&](const char* name) -> Status {
                if (++objects_ > kMostObjects) return Error::invalid_model("it has too many objects");
                const Handle found(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
                if (!found.ok()) return Error::invalid_model("attribute {}@{} is damaged", path, name);
                return attribute(found, path + "@" + name);
              },
              Status()};
  hsize_t index = 0;
  const herr_t done =
      H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &index, &decltype(visit)::of_attribute, &visit);
  TRY(visit.status);
  if (done < 0) return Error::invalid_model("the attributes of \"{}\" are damaged", path);
  return {};
}

Status Walk::dataset(hid_t dataset, const std::string& path) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!type.ok() || !space.ok() || !creation.ok()) return Error::invalid_model("dataset {} is damaged", path);
  if (H5Pget_external_count(creation) != 0 || H5Pget_layout(creation) == H5D_VIRTUAL)
    return Error::not_supported("dataset {} lies in another file", path);
  const auto element = element_of(type);
  if (!element) return {};  // no weight: a string, a table; who needs it says that it is missing
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) return Error::invalid_model("dataset {} is damaged", path);
  std::vector<hsize_t> dims(static_cast<size_t>(rank));
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  uint64_t bytes = element->bytes;
  for (const hsize_t size : dims)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      return Error::invalid_model("dataset {} has too many elements", path);
  const uint64_t stored = H5Dget_storage_size(dataset);
  if (bytes > kSmallBytes && bytes / kMostPacked > stored)
    return Error::invalid_model("dataset {} says that it has {} bytes, and holds {}", path, bytes, stored);
  if (bytes > output_.room())
    return Error::invalid_model("dataset {} has {} bytes, more than the file's size justifies", path, bytes);
  std::vector<std::byte> elements(static_cast<size_t>(bytes));
  if (bytes != 0 && H5Dread(dataset, element->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()) < 0)
    return Error::invalid_model("dataset {} is damaged", path);
  return output_.dataset(path, element->type, std::vector<uint64_t>(dims.begin(), dims.end()), elements);
}

Status Walk::link(hid_t group_id, const char* name, const std::string& path, int depth) {
  if (++objects_ > kMostObjects) return Error::invalid_model("it has too many objects");
  H5L_info_t info;
  if (H5Lget_info(group_id, name, &info, H5P_DEFAULT) < 0) return Error::invalid_model("{} is damaged", path);
  if (info.type == H5L_TYPE_SOFT) return {};  // Keras writes none
  if (info.type != H5L_TYPE_HARD) return Error::not_supported("{} is a link to another file", path);
  const Handle object(H5Oopen(group_id, name, H5P_DEFAULT), H5Oclose);
  if (!object.ok()) return Error::invalid_model("{} is damaged", path);
  switch (H5Iget_type(object)) {
    case H5I_GROUP: {
      if (!open_groups_.insert(info.u.address).second)
        return Error::invalid_model("{} is a group that holds itself", path);
      TRY(group(object, path, depth + 1));
      open_groups_.erase(info.u.address);
      return {};
    }
    case H5I_DATASET:
      TRY(attributes(object, path));
      return dataset(object, path);
    default:
      return {};  // a named type
  }
}

Status Walk::group(hid_t group_id, const std::string& path, int depth) {
  if (depth > kMostDepth) return Error::invalid_model("its groups are nested more than {} deep", kMostDepth);
  TRY(attributes(group_id, path));
  Visit visit{
      [&](const char* name) -> Status {
        // What the optimizer remembers is not the model's, and is twice as large.
        if (depth == 0 && (std::string_view(name) == "optimizer_weights" ||
                           std::string_view(name) == "optimizer" || std::string_view(name) == "_optimizer"))
          return {};
        return link(group_id, name, path.empty() ? name : path + "/" + name, depth);
      },
      Status()};
  hsize_t index = 0;
  const herr_t done =
      H5Literate(group_id, H5_INDEX_NAME, H5_ITER_INC, &index, &decltype(visit)::of_link, &visit);
  TRY(visit.status);
  if (done < 0) return Error::invalid_model("group \"{}\" is damaged", path);
  return {};
}

/// The library reads the file where it lies in memory, instead of copying it.
struct Image {
  std::byte* bytes;
  static void* allocate(size_t, H5FD_file_image_op_t, void* user) { return static_cast<Image*>(user)->bytes; }
  static void* copy(void* to, const void*, size_t, H5FD_file_image_op_t, void*) { return to; }
  static void* reallocate(void*, size_t, H5FD_file_image_op_t, void*) { return nullptr; }
  static herr_t release(void*, H5FD_file_image_op_t, void*) { return 0; }
  static void* copy_user(void* user) { return user; }
  static herr_t release_user(void*) { return 0; }
};

}  // namespace

Status read_hdf5(std::span<const std::byte> file, Output& output) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);  // no filters from elsewhere
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  Image image{const_cast<std::byte*>(file.data())};
  H5FD_file_image_callbacks_t callbacks = {Image::allocate, Image::copy,      Image::reallocate,
                                           Image::release,  Image::copy_user, Image::release_user,
                                           &image};
  const bool set = access.ok() && H5Pset_fapl_core(access, 1 << 16, 0) >= 0 &&
                   H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
                   H5Pset_file_image(access, image.bytes, file.size()) >= 0;
  const Handle opened(set ? H5Fopen("model.h5", H5F_ACC_RDONLY, access) : -1, H5Fclose);
  if (!opened.ok()) return Error::invalid_model("it is not an HDF5 file, or a damaged one");
  const Handle root(H5Gopen2(opened, "/", H5P_DEFAULT), H5Gclose);
  if (!root.ok()) return Error::invalid_model("it has no root group");
  return Walk(output).group(root, "", 0);
}

}  // namespace pochade::keras
