#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "cli/common.h"
#include "cli/verbs.h"

namespace {

/// What a newcomer sees first.
constexpr const char* kFooter = R"(Examples:
  pochade paint photo.jpg -o painting.png        paint with our own style
  pochade paint photo.jpg --model candy.onnx     paint with a network of yours
  pochade classify mobilenet.tflite cat.jpg      what is on a photo
  pochade inspect model.onnx                     what a model is made of
  pochade convert model.onnx light.onnx --simplify    write it anew, and prove that it still computes the same
  pochade bench model.onnx --layers              where its time goes

`pochade VERB --help` says more about each verb.)";

/// Whether all that was printed has arrived; says so if not: a full disk must not pass for success.
bool has_printed() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout) return true;
  std::cerr << "pochade: cannot write standard output"
            << (errno != 0 ? std::string(": ") + std::strerror(errno) : "") << "\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // `pochade ... | head` ends quietly
  CLI::App app{"Pochade: neural networks small enough to paint, see and hear on the device itself."};
  app.name("pochade");
  app.set_version_flag("--version", "pochade " POCHADE_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  pochade::add_paint(app);
  pochade::add_inspect(app);
  pochade::add_run(app);
  pochade::add_verify(app);
  pochade::add_classify(app);
  pochade::add_detect(app);
  pochade::add_segment(app);
  pochade::add_listen(app);
  pochade::add_eval(app);
  pochade::add_convert(app);
  pochade::add_bench(app);
  pochade::add_why(app);
  pochade::add_knobs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0)
      return app.exit(error) == 0 && has_printed() ? 0 : 1;  // --help, --version
    std::cerr << "pochade: " << error.what() << "\n";
    const auto verbs = app.get_subcommands();
    std::cerr << "Try: pochade " << (verbs.empty() ? "" : verbs[0]->get_name() + " ") << "--help\n";
    return 2;
  } catch (const pochade::VerbFailure& failure) {
    has_printed();
    std::cerr << "pochade: " << failure.line << "\n";
    if (!failure.hint.empty()) std::cerr << failure.hint << "\n";
    return failure.exit_code;
  } catch (const std::bad_alloc&) {
    std::cerr << "pochade: out of memory\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "pochade: " << error.what() << "\n";
    return 1;
  }
  return has_printed() ? 0 : 1;
}
