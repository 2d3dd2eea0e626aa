#pragma once
// Labelled pictures and sounds on disk. They are read one by one: memory does not grow with their number.

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "data/metrics.h"
#include "media/image.h"

namespace pochade {

/// One thing with its right answer.
struct Sample {
  std::string name;            ///< for messages: the file, and the record in it
  std::filesystem::path file;  ///< empty if `record` holds the pixels
  Bytes record;                ///< CIFAR-10: planes of R, G, B, 32x32 each
  size_t label = 0;            ///< place in LabelledSet::classes()
};
/// The picture of a sample. Errors: those of read_image.
Result<Image> sample_picture(const Sample& sample);

class LabelledSet {
 public:
  enum class Kind { kPictures, kSounds };

  /// Finds out how `where` is laid out:
  ///  - CIFAR-10: a .bin file, or a folder with some (label byte, 3072 bytes R, G, B planes a record)
  ///  - `labels.tsv` (index, id, name a line) beside pictures NNNN_*: NNNN is the index
  ///  - a folder a class, classes in the order of their names
  ///  - sounds LABEL_*.wav, classes in the order of their names
  /// Errors: nothing of these, a labels.tsv that is none.
  static Result<LabelledSet> open(const std::filesystem::path& where, Kind kind);

  /// Names; the index is the label. A name is empty where labels.tsv leaves a gap.
  const std::vector<std::string>& classes() const { return classes_; }
  /// Whether a label is an index that the data set itself gives (labels.tsv, CIFAR-10), not just an order of
  /// names.
  bool has_indexes() const { return layout_ == Layout::kIndexed || layout_ == Layout::kCifar; }
  const std::string& layout_text() const { return layout_text_; }
  int64_t size() const { return size_; }

  /// Visits the samples in the same order every time (a folder's in the order of their names, folder by
  /// folder). A visit that fails ends it. Samples that have no class (NNNN outside labels.tsv) are an error
  /// that names the file.
  Status each(const std::function<Status(const Sample&)>& visit) const;

 private:
  enum class Layout { kCifar, kIndexed, kFolders, kNamed };
  Status find_classes(const std::filesystem::path& where);
  Status each_cifar(const std::function<Status(const Sample&)>& visit) const;

  Layout layout_ = Layout::kFolders;
  Kind kind_ = Kind::kPictures;
  std::filesystem::path where_;
  std::string layout_text_;
  std::vector<std::string> classes_;
  int64_t size_ = 0;
};

/// The files of a folder that are pictures (or sounds) by extension, in the order of their names.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, LabelledSet::Kind kind);

/// What PASCAL VOC says of one picture.
struct VocAnnotation {
  std::string picture;  ///< file name
  struct Object {
    std::string name;
    Box box;
    bool difficult = false;
  };
  std::vector<Object> objects;
};
/// Errors: no <annotation>, an object without a name or box, over 10,000 objects.
Result<VocAnnotation> parse_voc(std::string_view xml);

/// Annotations/*.xml and JPEGImages/* of PASCAL VOC.
struct BoxSample {
  std::filesystem::path picture;
  VocAnnotation annotation;
};
class BoxSet {
 public:
  /// Errors: no Annotations folder, an annotation that cannot be read.
  static Result<BoxSet> open(const std::filesystem::path& folder);
  /// Names of all objects, in order.
  const std::vector<std::string>& classes() const { return classes_; }
  int64_t size() const { return size_; }
  Status each(const std::function<Status(const BoxSample&)>& visit) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> classes_;
  int64_t size_ = 0;
};

/// JPEGImages/NAME.jpg with SegmentationClass/NAME.png, of which the colours are PASCAL VOC's: class k's, or
/// 255 for the border that does not count.
class MaskSet {
 public:
  static Result<MaskSet> open(const std::filesystem::path& folder);
  int64_t size() const { return size_; }
  Status each(const std::function<Status(const std::filesystem::path& picture,
                                         const std::filesystem::path& mask)>& visit) const;

 private:
  std::filesystem::path folder_;
  int64_t size_ = 0;
};
/// Classes of a mask's pixels, row by row. Grey masks hold the class itself. Error: a colour of no class.
Result<std::vector<uint8_t>> mask_classes(const Image& mask);
/// PASCAL VOC's colour of class k, R, G, B.
std::array<uint8_t, 3> voc_colour(size_t label);

}  // namespace pochade
