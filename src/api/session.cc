#include "api/session.h"

#include <new>

namespace pochade {
namespace {

static_assert(POCHADE_FLOAT32 == static_cast<int>(DType::kF32) &&
              POCHADE_BOOL == static_cast<int>(DType::kBool));
static_assert(POCHADE_MAX_RANK == kMaxRank);

thread_local std::string last_error;  // the only state outside sessions, and each thread has its own

pochade_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidModel:
      return POCHADE_INVALID_MODEL;
    case ErrorCode::kInvalidArgument:
      return POCHADE_INVALID_ARGUMENT;
    case ErrorCode::kNotSupported:
      return POCHADE_NOT_SUPPORTED;
    case ErrorCode::kNotFound:
      return POCHADE_NOT_FOUND;
    case ErrorCode::kIo:
      return POCHADE_IO;
    case ErrorCode::kOutOfMemory:
      return POCHADE_OUT_OF_MEMORY;
    case ErrorCode::kCancelled:
      return POCHADE_CANCELLED;
  }
  return POCHADE_INVALID_ARGUMENT;
}

Status check_index(const void* session, size_t index, size_t count, std::string_view what) {
  if (session == nullptr) return Error::invalid_argument("the session is null");
  if (index >= count)
    return Error::invalid_argument("{} {} does not exist: there are {}", what, index, count);
  return {};
}

void fill_info(const std::string& name, const Fact& fact, pochade_tensor_info* info) {
  *info = {};
  info->name = name.c_str();
  info->dtype = static_cast<pochade_dtype>(*fact.dtype);
  info->rank = fact.dims && fact.dims->size() <= kMaxRank ? fact.rank() : -1;
  for (int i = 0; i < info->rank; ++i) info->dims[i] = fact.dim(i).is_number() ? fact.dim(i).number() : -1;
}

/// The shape set for an input, or the model's own if it is fixed.
Result<std::vector<Shape>> shapes_of(const pochade_session& s) {
  std::vector<Shape> out;
  for (size_t i = 0; i < s.shapes.size(); ++i) {
    const Fact& fact = s.session.graph().fact(s.session.graph().inputs()[i]);
    const auto shape = s.shapes[i] ? s.shapes[i] : fact.shape();
    if (!shape)
      return Error::invalid_argument("the shape of input \"{}\" is open: call pochade_set_shape",
                                     s.input_names[i]);
    out.push_back(*shape);
  }
  return out;
}

}  // namespace

pochade_status guarded(const std::function<Status()>& work) {
  try {
    const Status status = work();
    if (status) return POCHADE_OK;
    last_error = status.error().text();
    return status_of(status.error().code());
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";
    return POCHADE_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    last_error = error.what();
    return POCHADE_INVALID_ARGUMENT;
  }
}

Result<pochade_session*> open_session(Graph graph, const pochade_options* options) {
  SessionOptions chosen;
  if (options != nullptr) {
    chosen.threads = options->threads;
    chosen.memory_limit_bytes = options->max_memory_bytes;
    if (options->isa != nullptr) {
      chosen.isa = parse_isa(options->isa);
      if (!chosen.isa)
        return Error::invalid_argument("\"{}\" is no instruction set that we know", options->isa);
    }
  }
  TRY(Session session, Session::create(std::move(graph), chosen));
  auto out = std::make_unique<pochade_session>(pochade_session{std::move(session), {}, {}, {}, {}, {}});
  const Graph& g = out->session.graph();
  for (const ValueId v : g.inputs()) out->input_names.push_back(g.value(v).name);
  for (const GraphOutput& o : g.outputs()) out->output_names.push_back(o.name);
  out->shapes.resize(out->input_names.size());
  out->inputs.resize(out->input_names.size());
  return out.release();
}

}  // namespace pochade

using pochade::Error;
using pochade::Status;

const char* pochade_version(void) {
  return POCHADE_VERSION;
}
const char* pochade_last_error(void) {
  return pochade::last_error.c_str();
}
void pochade_free(pochade_session* session) {
  delete session;
}
size_t pochade_input_count(const pochade_session* session) {
  return session == nullptr ? 0 : session->input_names.size();
}
size_t pochade_output_count(const pochade_session* session) {
  return session == nullptr ? 0 : session->output_names.size();
}

pochade_status pochade_input_info(const pochade_session* session, size_t index, pochade_tensor_info* info) {
  return pochade::guarded([&]() -> Status {
    TRY(pochade::check_index(session, index, pochade_input_count(session), "input"));
    if (info == nullptr) return Error::invalid_argument("info is null");
    const pochade::Graph& graph = session->session.graph();
    const auto& set = session->shapes[index];
    const pochade::Fact& fact = graph.fact(graph.inputs()[index]);
    pochade::fill_info(session->input_names[index], set ? pochade::Fact(*fact.dtype, *set) : fact, info);
    return {};
  });
}

pochade_status pochade_output_info(const pochade_session* session, size_t index, pochade_tensor_info* info) {
  return pochade::guarded([&]() -> Status {
    TRY(pochade::check_index(session, index, pochade_output_count(session), "output"));
    if (info == nullptr) return Error::invalid_argument("info is null");
    const pochade::Graph& graph = session->session.graph();
    const pochade::Fact& fact = graph.fact(graph.outputs()[index].value);
    const bool ready = index < session->outputs.size() && session->outputs[index].defined();
    pochade::fill_info(
        session->output_names[index],
        ready ? pochade::Fact(session->outputs[index].dtype(), session->outputs[index].shape()) : fact, info);
    return {};
  });
}

pochade_status pochade_set_shape(pochade_session* session, size_t input, const int64_t* dims, int rank) {
  return pochade::guarded([&]() -> Status {
    TRY(pochade::check_index(session, input, pochade_input_count(session), "input"));
    if (rank < 0 || rank > POCHADE_MAX_RANK || (dims == nullptr && rank > 0))
      return Error::invalid_argument("rank is {}, expected 0 to {}, with dims", rank, pochade::kMaxRank);
    const pochade::Shape shape(std::span<const int64_t>(dims, static_cast<size_t>(rank)));
    if (!shape.checked_elements()) return Error::invalid_argument("{} is no shape of a tensor", shape);
    session->shapes[input] = shape;
    session->outputs.clear();
    return {};
  });
}

pochade_status pochade_prepare(pochade_session* session) {
  return pochade::guarded([&]() -> Status {
    if (session == nullptr) return Error::invalid_argument("the session is null");
    TRY(const auto shapes, pochade::shapes_of(*session));
    TRY(const pochade::Plan* const plan, session->session.prepare(shapes));
    pochade::Tensors outputs;
    for (const pochade::GraphOutput& o : plan->graph.outputs()) {
      const pochade::Fact& fact = plan->graph.fact(o.value);
      outputs.emplace_back();
      if (!fact.shape()) continue;  // depends on the data
      TRY(outputs.back(), pochade::Tensor::make(*fact.dtype, *fact.shape()));
    }
    session->outputs = std::move(outputs);
    return {};
  });
}

pochade_status pochade_set_input(pochade_session* session, size_t index, const void* data, size_t byte_size) {
  return pochade::guarded([&]() -> Status {
    TRY(pochade::check_index(session, index, pochade_input_count(session), "input"));
    const pochade::Graph& graph = session->session.graph();
    const pochade::Fact& fact = graph.fact(graph.inputs()[index]);
    const auto shape = session->shapes[index] ? session->shapes[index] : fact.shape();
    if (!shape)
      return Error::invalid_argument("the shape of input \"{}\" is open: call pochade_set_shape first",
                                     session->input_names[index]);
    const auto elements = shape->checked_elements();
    const auto expected =
        elements ? pochade::checked_mul(*elements, static_cast<int64_t>(pochade::size_of(*fact.dtype)))
                 : std::nullopt;
    if (!expected || static_cast<size_t>(*expected) != byte_size || (data == nullptr && byte_size != 0))
      return Error::invalid_argument("input \"{}\" has {} bytes, expected {} of {}",
                                     session->input_names[index], byte_size, to_string(*fact.dtype), *shape);
    session->inputs[index] = {*fact.dtype, *shape,
                              const_cast<std::byte*>(static_cast<const std::byte*>(data))};
    return {};
  });
}

pochade_status pochade_run(pochade_session* session) {
  if (session == nullptr || session->outputs.empty()) {
    const pochade_status status = pochade_prepare(session);
    if (status != POCHADE_OK) return status;
  }
  return pochade::guarded([&]() -> Status {
    TRY(const auto shapes, pochade::shapes_of(*session));
    for (size_t i = 0; i < shapes.size(); ++i) {
      const pochade::TensorView& in = session->inputs[i];
      if ((in.data == nullptr && shapes[i].elements() != 0) || in.shape != shapes[i])
        return Error::invalid_argument("input \"{}\" was not set since its shape was",
                                       session->input_names[i]);
    }
    bool data_dependent = false;
    std::vector<pochade::TensorView> out;
    for (pochade::Tensor& t : session->outputs) {
      data_dependent |= !t.defined();
      if (t.defined()) out.push_back({t.dtype(), t.shape(), t.mutable_bytes()});
    }
    if (!data_dependent) return session->session.run(session->inputs, out);
    pochade::Tensors in;
    for (const pochade::TensorView& v : session->inputs)
      in.push_back(pochade::Tensor::view(v.dtype, v.shape, v.data));
    TRY(session->outputs, session->session.run(in));
    return {};
  });
}

pochade_status pochade_output(const pochade_session* session, size_t index, const void** data,
                              size_t* byte_size) {
  return pochade::guarded([&]() -> Status {
    TRY(pochade::check_index(session, index, pochade_output_count(session), "output"));
    if (data == nullptr || byte_size == nullptr) return Error::invalid_argument("data or byte_size is null");
    if (index >= session->outputs.size() || !session->outputs[index].defined())
      return Error::invalid_argument("output \"{}\" has no elements yet: call pochade_run first",
                                     session->output_names[index]);
    *data = session->outputs[index].bytes();
    *byte_size = session->outputs[index].byte_size();
    return {};
  });
}

pochade_status pochade_reset_state(pochade_session* session) {
  return pochade::guarded([&]() -> Status {
    if (session == nullptr) return Error::invalid_argument("the session is null");
    session->session.reset_state();
    return {};
  });
}
