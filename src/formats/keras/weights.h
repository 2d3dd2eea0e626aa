#pragma once
// Where the weights of a layer stand in a file.
//
// Legacy files (.h5) have a group for each layer of the outermost model, with a list of the names of all
// weights below it; the layers of a nested model are told apart by these names. Archives (.keras) have a
// group for each object, named by class and count ("layers/conv2d_1/vars/0").

#include <string>
#include <vector>

#include "formats/keras/records.h"
#include "formats/keras/stream.h"

namespace pochade::keras {

struct Weight {
  std::string name;
  Tensor tensor;
};

class Weights {
 public:
  /// Of the outermost model.
  static Result<Weights> of_file(const Contents& contents);

  /// Of each layer of a model, in its order.
  Result<std::vector<Weights>> of_layers(const ModelRecord& model) const;
  /// Of an object inside a layer ("cell", "layer"): legacy files do not tell them apart.
  Weights child(std::string_view attribute) const;
  /// The first (0) or the second (1) half of a legacy list; in archives child(attribute).
  Weights half(int which, std::string_view attribute) const;
  /// The variables, in the order in which Keras lists them.
  Result<std::vector<Weight>> variables() const;
  const std::string& path() const { return path_; }

 private:
  struct Entry {
    std::string name;
    std::string dataset;
  };
  Result<Weight> read(const Entry& entry) const;
  Weights legacy_layer(const std::string& name) const;

  const Contents* contents_ = nullptr;
  bool legacy_ = false;
  bool outermost_ = false;
  std::string path_;
  std::vector<Entry> entries_;  ///< legacy
};

/// The name that an archive's path gives an object of a class: "Conv2DTranspose" is "conv2d_transpose".
std::string snake_case(std::string_view class_name);

}  // namespace pochade::keras
