#include "data/dataset.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

#include "media/decode.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCifarRecord = 1 + 3 * 32 * 32;
constexpr std::string_view kCifarClasses[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};
constexpr size_t kMostClasses = 100'000;

std::string lower_extension(const fs::path& path) {
  std::string out = path.extension().string();
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_kind(const fs::path& path, LabelledSet::Kind kind) {
  const std::string extension = lower_extension(path);
  if (kind == LabelledSet::Kind::kSounds) return extension == ".wav";
  constexpr std::string_view kPictures[] = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"};
  return std::ranges::find(kPictures, extension) != std::end(kPictures);
}

std::vector<fs::path> sorted_entries(const fs::path& folder,
                                     const std::function<bool(const fs::directory_entry&)>& wanted) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (wanted(*it)) out.push_back(it->path());
  std::ranges::sort(out);
  return out;
}

std::vector<fs::path> subfolders(const fs::path& folder) {
  return sorted_entries(folder, [](const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored) && !entry.path().filename().string().starts_with('.');
  });
}

std::vector<fs::path> bin_files(const fs::path& where) {
  std::error_code ignored;
  if (fs::is_regular_file(where, ignored))
    return lower_extension(where) == ".bin" ? std::vector{where} : std::vector<fs::path>();
  return sorted_entries(where, [](const fs::directory_entry& entry) {
    std::error_code unused;
    return entry.is_regular_file(unused) && lower_extension(entry.path()) == ".bin";
  });
}

/// The number before the first '_' of a file's name.
std::optional<size_t> leading_index(const fs::path& file) {
  const std::string name = file.filename().string();
  size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end == name.data() + name.size() || *end != '_') return std::nullopt;
  return index;
}

/// What stands before the first '_'.
std::string leading_word(const fs::path& file) {
  const std::string name = file.stem().string();
  return name.substr(0, name.find('_'));
}

/// labels.tsv: index, id, name a line.
Result<std::vector<std::string>> read_label_table(const fs::path& path) {
  constexpr size_t kLargestFile = 10'000'000;
  TRY(const Bytes bytes, map_file(path, kLargestFile));
  std::string_view rest = bytes.text();
  std::vector<std::string> out;
  for (size_t line = 1; !rest.empty(); ++line) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty()) continue;
    size_t index = 0;
    const auto [stop, error] = std::from_chars(row.data(), row.data() + row.size(), index);
    const size_t tab = row.rfind('\t');
    if (error != std::errc() || tab == std::string_view::npos || *stop != '\t' || index >= kMostClasses)
      return Error::invalid_argument("{}, line {}: expected an index, an id and a name between tabs", path,
                                     line);
    if (out.size() <= index) out.resize(index + 1);
    out[index] = row.substr(tab + 1);
  }
  return out;
}

}  // namespace

std::vector<fs::path> files_in(const fs::path& folder, LabelledSet::Kind kind) {
  return sorted_entries(folder, [kind](const fs::directory_entry& entry) {
    std::error_code ignored;
    return is_kind(entry.path(), kind) && entry.is_regular_file(ignored);
  });
}

Result<Image> sample_picture(const Sample& sample) {
  if (!sample.file.empty()) {
    TRY(DecodedImage decoded, read_image(sample.file));
    return std::move(decoded.image);
  }
  constexpr int kSide = 32;
  TRY(Image out, Image::create(kSide, kSide, 3));
  const std::byte* plane = sample.record.data();
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        out.pixel(x, y)[c] = from_8_bits(std::to_integer<uint8_t>(plane[(c * kSide + y) * kSide + x]));
  return out;
}

Result<LabelledSet> LabelledSet::open(const fs::path& where, Kind kind) {
  LabelledSet out;
  out.where_ = where;
  out.kind_ = kind;
  std::error_code ignored;
  if (!fs::exists(where, ignored)) return Error::not_found("{} is not there", where);
  TRY(out.find_classes(where).context("{}", where));
  return out;
}

Status LabelledSet::find_classes(const fs::path& where) {
  std::error_code ignored;
  if (kind_ == Kind::kPictures) {
    const auto bins = bin_files(where);
    if (!bins.empty()) {
      layout_ = Layout::kCifar;
      layout_text_ = "CIFAR-10 binary";
      classes_.assign(std::begin(kCifarClasses), std::end(kCifarClasses));
      for (const fs::path& file : bins) {
        const auto bytes = fs::file_size(file, ignored);
        if (ignored || bytes == 0 || bytes % kCifarRecord != 0)
          return Error::invalid_argument("{} is no CIFAR-10 file: its {} bytes are no multiple of {}",
                                         file.filename(), bytes, kCifarRecord);
        size_ += static_cast<int64_t>(bytes / kCifarRecord);
      }
      return {};
    }
    if (fs::exists(where / "labels.tsv", ignored)) {
      layout_ = Layout::kIndexed;
      layout_text_ = "NNNN_* with labels.tsv";
      TRY(classes_, read_label_table(where / "labels.tsv"));
      size_ = static_cast<int64_t>(files_in(where, kind_).size());
      if (size_ == 0) return Error::not_found("no pictures beside labels.tsv");
      return {};
    }
  }
  if (kind_ == Kind::kSounds) {
    std::set<std::string> names;
    for (const fs::path& file : files_in(where, kind_)) {
      names.insert(leading_word(file));
      ++size_;
    }
    if (size_ > 0) {
      layout_ = Layout::kNamed;
      layout_text_ = "LABEL_*.wav";
      classes_.assign(names.begin(), names.end());
      return {};
    }
  }
  layout_ = Layout::kFolders;
  layout_text_ = "a folder for each class";
  for (const fs::path& folder : subfolders(where)) {
    const auto count = static_cast<int64_t>(files_in(folder, kind_).size());
    if (count == 0) continue;
    classes_.push_back(folder.filename().string());
    size_ += count;
  }
  if (size_ > 0) return {};
  return Error::not_found(
      "{}", kind_ == Kind::kSounds
                ? "no data set: expected LABEL_*.wav, or a folder of .wav files for each class"
                : "no data set: expected a folder of pictures for each class, labels.tsv beside "
                  "NNNN_*.jpg, or CIFAR-10 .bin files");
}

Status LabelledSet::each_cifar(const std::function<Status(const Sample&)>& visit) const {
  for (const fs::path& file : bin_files(where_)) {
    TRY(const Bytes bytes, map_file(file));
    for (size_t at = 0; at + kCifarRecord <= bytes.size(); at += kCifarRecord) {
      Sample sample;
      sample.name = format("{}, record {}", file, at / kCifarRecord);
      sample.label = std::to_integer<size_t>(bytes.span()[at]);
      if (sample.label >= classes_.size())
        return Error::invalid_argument("{}: label {}, expected 0 to {}", sample.name, sample.label,
                                       classes_.size() - 1);
      sample.record = Bytes(bytes.owner(), bytes.span().subspan(at + 1, kCifarRecord - 1));
      TRY(visit(sample));
    }
  }
  return {};
}

Status LabelledSet::each(const std::function<Status(const Sample&)>& visit) const {
  if (layout_ == Layout::kCifar) return each_cifar(visit);
  if (layout_ == Layout::kFolders) {
    for (size_t label = 0; label < classes_.size(); ++label)
      for (const fs::path& file : files_in(where_ / classes_[label], kind_))
        TRY(visit({.name = file.string(), .file = file, .record = {}, .label = label}));
    return {};
  }
  for (const fs::path& file : files_in(where_, kind_)) {
    Sample sample{.name = file.string(), .file = file, .record = {}, .label = 0};
    if (layout_ == Layout::kIndexed) {
      const auto index = leading_index(file);
      if (!index || *index >= classes_.size())
        return Error::invalid_argument("{}: expected a name that begins with an index of labels.tsv and '_'",
                                       file);
      sample.label = *index;
    } else {
      sample.label =
          static_cast<size_t>(std::ranges::lower_bound(classes_, leading_word(file)) - classes_.begin());
    }
    TRY(visit(sample));
  }
  return {};
}

Result<BoxSet> BoxSet::open(const fs::path& folder) {
  BoxSet out;
  out.folder_ = folder;
  std::error_code ignored;
  if (!fs::is_directory(folder / "Annotations", ignored))
    return Error::not_found("{}: no PASCAL VOC data set: expected the folders Annotations and JPEGImages",
                            folder);
  std::set<std::string> names;
  TRY(out.each([&](const BoxSample& sample) -> Status {
    for (const auto& object : sample.annotation.objects) names.insert(object.name);
    ++out.size_;
    return {};
  }));
  if (out.size_ == 0) return Error::not_found("{}: Annotations has no .xml files", folder);
  out.classes_.assign(names.begin(), names.end());
  return out;
}

Status BoxSet::each(const std::function<Status(const BoxSample&)>& visit) const {
  const auto files = sorted_entries(folder_ / "Annotations", [](const fs::directory_entry& entry) {
    return lower_extension(entry.path()) == ".xml";
  });
  constexpr size_t kLargestFile = 10'000'000;
  for (const fs::path& file : files) {
    TRY(const Bytes bytes, map_file(file, kLargestFile));
    BoxSample sample;
    TRY(sample.annotation, parse_voc(bytes.text()).context("reading {}", file));
    // The name in the file is often an old one: the picture beside the annotation comes first.
    sample.picture = folder_ / "JPEGImages" / file.filename();
    std::error_code ignored;
    bool found = false;
    for (const char* extension : {".jpg", ".jpeg", ".png"}) {
      if (found) break;
      sample.picture.replace_extension(extension);
      found = fs::exists(sample.picture, ignored);
    }
    if (!found) sample.picture = folder_ / "JPEGImages" / fs::path(sample.annotation.picture).filename();
    TRY(visit(sample));
  }
  return {};
}

Result<MaskSet> MaskSet::open(const fs::path& folder) {
  MaskSet out;
  out.folder_ = folder;
  out.size_ =
      static_cast<int64_t>(files_in(folder / "SegmentationClass", LabelledSet::Kind::kPictures).size());
  if (out.size_ == 0)
    return Error::not_found(
        "{}: no data set with masks: expected the folders JPEGImages and SegmentationClass", folder);
  return out;
}

Status MaskSet::each(const std::function<Status(const fs::path&, const fs::path&)>& visit) const {
  for (const fs::path& mask : files_in(folder_ / "SegmentationClass", LabelledSet::Kind::kPictures)) {
    fs::path picture = folder_ / "JPEGImages" / mask.filename();
    std::error_code ignored;
    for (const char* extension : {".jpg", ".jpeg", ".png"}) {
      picture.replace_extension(extension);
      if (fs::exists(picture, ignored)) break;
    }
    TRY(visit(picture, mask));
  }
  return {};
}

std::array<uint8_t, 3> voc_colour(size_t label) {
  // Bits 0, 1, 2 of the label go to red, green, blue from their highest bit down, then bits 3, 4, 5, ...
  std::array<uint8_t, 3> out{};
  for (int shift = 7; shift >= 0; --shift, label >>= 3)
    for (size_t c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>(out[c] | ((label >> c & 1) << shift));
  return out;
}

Result<std::vector<uint8_t>> mask_classes(const Image& mask) {
  const auto colour_at = [&](int x, int y) {
    const uint16_t* p = mask.pixel(x, y);
    return std::array<uint8_t, 3>{to_8_bits(p[0]), to_8_bits(p[1]), to_8_bits(p[2])};
  };
  bool grey = true;
  for (int y = 0; grey && y < mask.height(); ++y)
    for (int x = 0; grey && x < mask.width(); ++x) {
      const auto c = colour_at(x, y);
      grey = c[0] == c[1] && c[1] == c[2];
    }
  std::map<std::array<uint8_t, 3>, uint8_t> class_of;
  for (size_t label = 0; label < 256; ++label)
    class_of.emplace(voc_colour(label), static_cast<uint8_t>(label));
  std::vector<uint8_t> out;
  out.reserve(static_cast<size_t>(mask.width()) * static_cast<size_t>(mask.height()));
  for (int y = 0; y < mask.height(); ++y)
    for (int x = 0; x < mask.width(); ++x) {
      const auto colour = colour_at(x, y);
      const auto found = class_of.find(colour);
      if (!grey && found == class_of.end())
        return Error::invalid_argument("colour {},{},{} at {},{} is no class of PASCAL VOC", colour[0],
                                       colour[1], colour[2], x, y);
      out.push_back(grey ? colour[0] : found->second);
    }
  return out;
}

}  // namespace pochade
