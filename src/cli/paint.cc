#include <chrono>
#include <cstdio>
#include <iostream>

#include "base/memory.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "data/card.h"
#include "media/encode.h"
#include "paint/model_painter.h"
#include "paint/output.h"
#include "paint/pair_painter.h"
#include "paint/styles.h"

namespace pochade {
namespace {

struct PaintFlags {
  std::vector<std::string> photos;
  std::string output, model, style, size, preprocess, channels, like;
  std::vector<std::string> pair;
  float strength = 1;
  bool keep_colors = false;
  int threads = 0;
  bool force = false;
  bool verbose = false;
  bool quiet = false;
};

/// Seconds with two digits.
std::string seconds_text(std::chrono::steady_clock::time_point start) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f s",
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return text;
}

void paint_one(const PaintJob& job, const PaintFlags& flags, const PreprocessDecision& decision,
               Painter& painter, Session& session) {
  const auto start = std::chrono::steady_clock::now();
  DecodedImage photo = value_or_fail(read_image(job.photo));
  if (flags.verbose)
    for (const std::string& note : photo.notes) std::cerr << job.photo.string() << ": " << note << "\n";
  if (!flags.size.empty())
    photo.image = value_or_fail(resized(photo.image, value_or_fail(parse_size(flags.size))));
  check_interrupt();
  const auto network_start = std::chrono::steady_clock::now();
  Image painting = [&] {
    Progress progress("painting", flags.quiet);
    session.on_step(std::ref(progress));
    auto result = paint_photo(photo.image, decision.preprocess, painter, {flags.strength, flags.keep_colors});
    session.on_step(nullptr);
    progress.clear();
    check_interrupt();
    return value_or_fail(std::move(result).context("painting {}", job.photo));
  }();
  const std::string network_time = seconds_text(network_start);
  if (!flags.output.empty() && flags.output != job.painting) {  // into a folder, which may be new
    std::error_code error;
    std::filesystem::create_directories(job.painting.parent_path(), error);
    if (error)
      fail(Error(ErrorCode::kIo,
                 format("cannot make the folder {}: {}", job.painting.parent_path(), error.message())));
  }
  value_or_fail(write_image(job.painting, painting, job.format));
  if (!flags.quiet)
    std::cerr << job.photo.string() << " -> " << job.painting.string() << "  " << painting.width() << "x"
              << painting.height() << ", " << seconds_text(start) << " (network " << network_time
              << "), peak memory " << bytes_text(peak_rss_bytes()) << "\n";
}

/// What is painted with: a network, and how pictures enter it.
struct Painting {
  std::unique_ptr<Painter> painter;
  Session* session = nullptr;
  PreprocessDecision decision;
};

Painting with_model(const std::filesystem::path& model, const PaintFlags& flags,
                    const SessionOptions& options) {
  std::unique_ptr<ModelPainter> painter = value_or_fail(ModelPainter::open(model, options));
  for (const std::string& warning : painter->warnings())
    std::cerr << "pochade: warning: " << model.string() << ": " << warning << "\n";
  PreprocessFlags said;
  if (!flags.preprocess.empty()) said.preprocess = flags.preprocess;
  if (!flags.channels.empty()) said.channels = flags.channels;
  Painting out;
  out.decision = value_or_fail(decide_preprocess(said, card_beside(model), painter->hints()));
  if (flags.verbose) {
    for (const std::string& reason : out.decision.reasons) std::cerr << reason << "\n";
    if (painter->fixed_size())
      std::cerr << "The network takes " << to_string(*painter->fixed_size())
                << " only: " << painter->why_fixed() << "\n";
  }
  out.session = &painter->session();
  out.painter = std::move(painter);
  return out;
}

/// The predict and transfer networks, and the painting to be like.
Painting with_pair(const PaintFlags& flags, const SessionOptions& options) {
  const DecodedImage like = value_or_fail(read_image(flags.like));
  std::unique_ptr<PairPainter> painter =
      value_or_fail(PairPainter::open(flags.pair[0], flags.pair[1], like.image, options));
  Painting out;
  out.decision.preprocess = *preprocess_preset("unit");
  out.session = &painter->session();
  if (flags.verbose && painter->fixed_size())
    std::cerr << "The network takes " << to_string(*painter->fixed_size()) << " only\n";
  out.painter = std::move(painter);
  return out;
}

void check_style_flags(const PaintFlags& flags) {
  if (!flags.model.empty() && !flags.style.empty()) fail_usage("--model and --style exclude each other");
  if (flags.like.empty() && flags.pair.empty()) return;
  if (flags.like.empty()) fail_usage("--pair needs a painting", "Name it: --like PAINTING.jpg");
  if (flags.pair.empty())
    fail_usage("--like needs two networks",
               "Name them: --pair PREDICT TRANSFER, such as Magenta's arbitrary style transfer.");
  if (!flags.model.empty() || !flags.style.empty()) fail_usage("--like excludes --model and --style");
  if (!flags.preprocess.empty() || !flags.channels.empty())
    fail_usage("--like excludes --preprocess and --channels", "A pair has RGB of 0..1 on every side.");
}

void paint(const PaintFlags& flags) {
  check_style_flags(flags);
  const bool like = !flags.like.empty();
  std::filesystem::path model = flags.model;
  std::string style = flags.model.empty() ? std::string(kDefaultStyle) : model.stem().string();
  if (!flags.style.empty()) style = flags.style;
  if (like) style = std::filesystem::path(flags.like).stem().string();
  if (flags.model.empty() && !like) model = value_or_fail(find_style(style)).model;

  OutputRequest request;
  request.photos.assign(flags.photos.begin(), flags.photos.end());
  if (!flags.output.empty()) request.output = flags.output;
  request.style = style;
  request.force = flags.force;
  const std::vector<PaintJob> jobs = value_or_fail(plan_outputs(request));
  if (!flags.size.empty()) value_or_fail(parse_size(flags.size));

  SessionOptions options;
  options.threads = flags.threads;
  const Painting painting = like ? with_pair(flags, options) : with_model(model, flags, options);
  // A broken photo among many does not stop the others; the exit code tells.
  std::optional<VerbFailure> last_failure;
  for (const PaintJob& job : jobs) {
    try {
      paint_one(job, flags, painting.decision, *painting.painter, *painting.session);
    } catch (const VerbFailure& failure) {
      if (jobs.size() == 1 || interrupted()) throw;
      std::cerr << "pochade: " << failure.line << "\n";
      last_failure = VerbFailure{"not every photo was painted", "", 1};
    }
  }
  if (last_failure) throw *last_failure;
}

}  // namespace

void add_paint(CLI::App& app) {
  auto flags = std::make_shared<PaintFlags>();
  CLI::App* verb = app.add_subcommand("paint", "Turn photos into paintings");
  verb->footer(
      "The painting has the photo's size. Without -o it goes beside the photo: photo.STYLE.jpg.\n"
      "Examples:\n"
      "  pochade paint photo.jpg\n"
      "  pochade paint photo.jpg -o painting.png --size 1024 --strength 0.8\n"
      "  pochade paint holiday/ -o paintings/ --model candy.onnx\n"
      "  pochade paint photo.heic -o card.jpg --size 1500x1000 --keep-colors\n"
      "  pochade paint photo.jpg --like starry_night.jpg --pair predict.tflite transfer.tflite\n"
      "  curl -s https://example.org/photo.jpg | pochade paint - -o - > painting.png");
  verb->add_option("PHOTO", flags->photos, "Photos (JPEG, PNG, WebP, HEIC), folders, or - for standard input")
      ->required();
  verb->add_option("-o,--output", flags->output,
                   "Painting (.jpg, .png, .webp), folder, or - for standard output")
      ->type_name("OUT|DIR");
  verb->add_option("--model", flags->model, "A style network of yours")->type_name("FILE");
  verb->add_option("--style", flags->style,
                   format("One of the styles that come along (default: {})", kDefaultStyle))
      ->type_name("NAME");
  verb->add_option("--like", flags->like, "Any painting as the style, with --pair")->type_name("PAINTING");
  verb->add_option("--pair", flags->pair, "A network that looks at the painting, and one that paints like it")
      ->expected(2)
      ->type_name("PREDICT TRANSFER");
  verb->add_option("--size", flags->size, "N: the long side; WxH: filled, and cut around the centre")
      ->type_name("N|WxH");
  verb->add_option("--strength", flags->strength, "0: the photo, 1: the painting")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_flag("--keep-colors", flags->keep_colors,
                 "The photo's colours under the painting's light and dark");
  verb->add_option("--preprocess", flags->preprocess,
                   format("How a picture enters the network: {}, or a card", kPreprocessPresets))
      ->type_name("NAME|FILE.toml");
  verb->add_option("--channels", flags->channels, "Order of the network's channels")
      ->check(CLI::IsMember({"rgb", "bgr"}));
  verb->add_option("--threads", flags->threads, "Threads (default: the CPUs that this process may use)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  verb->add_flag("--force", flags->force, "Replace existing files");
  verb->add_flag("-v,--verbose", flags->verbose, "Say what was decided, and from where");
  verb->add_flag("-q,--quiet", flags->quiet, "Say nothing but errors");
  verb->callback([flags] {
    catch_interrupts();
    paint(*flags);
  });
}

}  // namespace pochade
