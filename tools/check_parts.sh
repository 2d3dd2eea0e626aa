# Sourced by ./check: what it runs, in order, and how it counts.
# Expects $root, $level (quick, default or full), $rivals, $list, $wanted; leaves the sums in $passed, $failed, $skipped.
# shellcheck shell=bash disable=SC2154

passed=0 failed=0 skipped=0

# --- How parts run and count ------------------------------------------------------------------------------------

# part LEVEL NAME COMMAND...: runs the command if ./check runs at that level or above. It counts itself with `count`;
# one that does not counts as one test.
part() {
  local from=$1 name=$2 log before status word match start=$EPOCHREALTIME
  shift 2
  case $level:$from in quick:default | quick:full | default:full) return 0 ;; esac
  if ((${#wanted[@]} > 0)); then
    match=no
    for word in "${wanted[@]}"; do if [[ $name == *"$word"* ]]; then match=yes; fi; done
    if [[ $match == no ]]; then return 0; fi
  fi
  if [[ $list == yes ]]; then echo "$name"; return 0; fi

  mkdir -p "$root/build/check"
  log=$root/build/check/${name// /_}.log
  before=("$passed" "$failed" "$skipped")
  note=
  if [[ -t 2 ]]; then printf '\r\033[K%s ...' "$name" >&2; fi
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  if ((passed + failed + skipped == before[0] + before[1] + before[2])); then
    if ((status == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  elif ((status != 0 && failed == before[1])); then
    failed=$((failed + 1)) # it counted, and then broke
  fi
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  local tenths=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 100000)) verdict=ok
  if ((failed > before[1])); then verdict=FAILED; elif ((passed == before[0])); then verdict=skipped; fi
  printf '%-8s%5d.%d s  %s: %d passed, %d failed, %d skipped%s\n' "$verdict" $((tenths / 10)) $((tenths % 10)) "$name" \
    $((passed - before[0])) $((failed - before[1])) $((skipped - before[2])) "${note:+ ($note)}"
  if [[ $verdict == FAILED ]]; then
    tail -n 100 "$log"
    printf '(all of it is in %s)\n\n' "$log"
  fi
}

# count PASSED FAILED SKIPPED: adds to the sums.
count() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }

# lacking WHAT: something from outside the sources is not here: a failure where all must be here (CI), else a skip.
lacking() {
  echo "$1 is not here"
  if [[ ${CI:-} == true ]]; then count 0 1 0; else count 0 0 1; fi
  note="$1 is not here"
}

# count_gtest LOG STATUS: counts what a GoogleTest program said; one that ended without its sums is a failure.
count_gtest() {
  local line ok=0 bad=0 left=0 ended=no
  while IFS= read -r line; do
    case $line in
      '[  PASSED  ] '*) ended=yes; line=${line#*] }; ok=${line%% *} ;;
      '[  FAILED  ] '[0-9]*' test'*', listed below:') line=${line#*] }; bad=${line%% *} ;;
      '[  SKIPPED ] '[0-9]*' test'*', listed below:') line=${line#*] }; left=${line%% *} ;;
    esac
  done <"$1"
  if [[ $ended == no ]] || ((ok + bad + left == 0)) || (($2 != 0 && bad == 0)); then bad=$((bad + 1)); fi
  count "$ok" "$bad" "$left"
}

# gtest PROGRAM [ARGUMENT...]: runs a GoogleTest program in as many shares as there are CPUs, each with its own temporary
# folder. $runner, if set, is the command that runs it (qemu).
gtest() {
  local shares share folder pids=() status
  shares=$(nproc)
  folder=$(mktemp -d) || return 1
  for ((share = 0; share < shares; ++share)); do
    mkdir "$folder/$share"
    # shellcheck disable=SC2086  # the runner is words by design
    GTEST_TOTAL_SHARDS=$shares GTEST_SHARD_INDEX=$share TMPDIR=$folder/$share TEST_TMPDIR=$folder/$share \
      ${runner:-} "$@" --gtest_brief=1 >"$folder/$share.log" 2>&1 &
    pids+=($!)
  done
  for ((share = 0; share < shares; ++share)); do
    wait "${pids[share]}"
    status=$?
    cat "$folder/$share.log"
    if ((status > 1)); then echo "$1, share $share of $shares, ended with status $status"; fi
    count_gtest "$folder/$share.log" "$status"
  done
  rm -rf "$folder"
}

# counted COMMAND...: runs a command whose last line is "N passed, N failed, N skipped", and perhaps more words.
counted() {
  local output status
  output=$("$@" 2>&1)
  status=$?
  printf '%s\n' "$output"
  if [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped ]]; then
    count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
  fi
  return $status
}

# unittest FILE: runs a Python test file.
unittest() {
  local output ran=0 bad=0 left=0 status
  output=$(python3 "$1" 2>&1)
  status=$?
  printf '%s\n' "$output"
  if [[ $output =~ Ran\ ([0-9]+)\ test ]]; then ran=${BASH_REMATCH[1]}; fi
  if [[ $output =~ failures=([0-9]+) ]]; then bad=${BASH_REMATCH[1]}; fi
  if [[ $output =~ errors=([0-9]+) ]]; then bad=$((bad + BASH_REMATCH[1])); fi
  if [[ $output =~ skipped=([0-9]+) ]]; then left=${BASH_REMATCH[1]}; fi
  if ((ran == 0 || (status != 0 && bad == 0))); then bad=$((bad + 1)); fi
  count $((ran > bad + left ? ran - bad - left : 0)) "$bad" "$left"
}

# --- The parts --------------------------------------------------------------------------------------------------

format() {
  local files
  if [[ $level == quick ]]; then # what is being worked on
    mapfile -t files < <({ git diff --name-only --diff-filter=d HEAD; git diff --name-only --diff-filter=d HEAD~1 HEAD
      git ls-files --others --exclude-standard; } | grep -E '\.(cc|h|c|hpp)$' | sort -u)
  else
    mapfile -t files < <(git ls-files --cached --others --exclude-standard | grep -E '\.(cc|h|c|hpp)$')
  fi
  if ((${#files[@]} == 0)); then return 0; fi
  printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(nproc)" clang-format-19 --dry-run -Werror
}

# checked_build PRESET "CMAKE-OPTION..." TARGET...: builds into build/PRESET with progress on the real stderr.
checked_build() {
  local preset=$1 options=$2 status
  shift 2
  take_lock "$root/build/.lock" 2>&3 || return 1
  build "$preset" "$root/build/$preset" "$options" "$@" 2>&3
  status=$?
  free_lock
  return $status
}

# The build that ./pochade uses, with the tests; a warning fails the part but not the build.
release_build() {
  checked_build release -DPOCHADE_TESTS=ON all || return 1
  if grep -B 2 -A 6 'warning:' "$root/build/release/messages.log"; then
    echo "the build gave warnings"
    return 1
  fi
}

# ONNX's own node tests, each in a process of its own; docs/operators.md must say what they say.
onnx_conformance() {
  if [[ ! -d /usr/share/libonnx-testdata ]]; then lacking "libonnx-testdata"; return 0; fi
  counted build/release/onnx_conformance --docs docs/operators.md
}

# The same through the passes, the plan and the kernels.
onnx_conformance_engine() {
  if [[ ! -d /usr/share/libonnx-testdata ]]; then lacking "libonnx-testdata"; return 0; fi
  counted build/release/onnx_conformance --engine
}

# Each model written as ONNX and read again: the results stay, and what is written twice is the same graph.
onnx_round_trip() {
  if [[ ! -d /usr/share/libonnx-testdata ]]; then lacking "libonnx-testdata"; return 0; fi
  counted build/release/onnx_conformance --round-trip
  counted build/release/onnx_conformance --round-trip --opset 17
}

# The environments of those who judge what we write, of the versions that bench/rival/ names.
rival_environments() {
  local name
  for name in onnxruntime litert; do
    if [[ -x build/rivals/$name/bin/python ]] && build/rivals/$name/bin/python -c 'import numpy'; then continue; fi
    python3 -m venv --clear "build/rivals/$name" &&
      "build/rivals/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "bench/rival/$name.txt" || return 1
  done
}

# judged PYTHON-MODULES ENVIRONMENT COMMAND...: runs the command with $python set, if the environment is there.
judged() {
  local modules=$1 python=$root/build/rivals/$2/bin/python folder status=0
  shift 2
  if ! "$python" -c "import $modules" 2>&1; then
    note="no $modules in build/rivals (./check --rivals)"
    count 0 0 1
    return 0
  fi
  folder=$(mktemp -d) || return 1
  "$@" || status=1
  rm -rf "$folder"
  return $status
}

# What we write, judged by onnx's checker and ONNX Runtime: every operator, ONNX's own tests, every model of shared.
onnx_judged() {
  local program=build/release/bin/pochade models=../shared/data/models
  mkdir "$folder/nodes"
  build/release/export_cases "$folder/cases" && counted "$python" tests/onnx/judge.py cases "$folder/cases"
  build/release/onnx_conformance --round-trip --keep "$folder/nodes" &&
    counted "$python" tests/onnx/judge.py nodes "$folder/nodes"
  if [[ ! -d $models ]]; then lacking "../shared/data"; return 0; fi
  counted "$python" tests/onnx/judge.py models "$program" "$models"
}

# The same by LiteRT.
tflite_judged() {
  local program=build/release/bin/pochade models=../shared/data/models
  build/release/export_cases --tflite "$folder/cases" && counted "$python" tests/tflite/judge.py cases "$folder/cases"
  if [[ ! -d $models ]]; then lacking "../shared/data"; return 0; fi
  counted "$python" tests/tflite/judge.py models "$program" "$models"
}

# Bytes of everything in libpochade, linked and stripped, against the bound of docs/architecture.md.
library_size() {
  local folder bytes bound=3000000
  folder=$(mktemp -d) || return 1
  g++ -shared -o "$folder/libpochade.so" -Wl,--whole-archive build/release/libpochade.a -Wl,--no-whole-archive -pthread &&
    strip "$folder/libpochade.so" && bytes=$(stat -c %s "$folder/libpochade.so")
  rm -rf "$folder"
  note="$((bytes / 1000)) kB of $((bound / 1000)) kB"
  echo "$note"
  ((bytes > 0 && bytes <= bound))
}

# The other compiler, the sanitizers for addresses and undefined behaviour, and the fuzzers: one build. No warning passes.
clang_build() {
  checked_build fuzz -DCMAKE_COMPILE_WARNING_AS_ERROR=ON all
}

fuzz_unit_tests() {
  rm -f build/check/kernels_*.profraw
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 LLVM_PROFILE_FILE=$root/build/check/kernels_%p.profraw \
    gtest build/fuzz/pochade_tests
}

# The unit tests above reach every path of every kernel.
kernel_coverage() { counted tools/kernel_coverage.py build/fuzz/pochade_tests build/check/kernels_*.profraw; }

# fuzz PROGRAM: 30 s from its corpus in tests/fuzz/, then one line that says how it went; its words
# are in build/check/.
fuzz() {
  local name=${1##*/} corpus folder
  corpus=$(mktemp -d) || return 1
  for folder in "tests/fuzz/$name" "tests/fuzz/${name%_fuzz}"; do
    if [[ -d $folder ]]; then cp -r "$folder/." "$corpus"; fi
  done
  if LLVM_PROFILE_FILE=/dev/null "$1" -max_total_time=30 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix=build/check/ "$corpus" \
    >"build/check/$name.log" 2>&1; then
    echo "fuzzed $name"
  else
    echo "FAILED $name: build/check/$name.log"
  fi
  rm -rf "$corpus"
}

# Every fuzz target, as many at once as there are CPUs.
fuzzers() {
  local line
  export -f fuzz
  while read -r line; do
    echo "$line"
    case $line in
      fuzzed\ *) count 1 0 0 ;;
      FAILED\ *) count 0 1 0; tail -n 30 "${line##* }" ;;
    esac
  done < <(printf '%s\n' build/fuzz/fuzz/*_fuzz | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}')
}

tsan_build() {
  checked_build tsan "-DPOCHADE_CLI=OFF -DPOCHADE_TESTS=CORE -DCMAKE_COMPILE_WARNING_AS_ERROR=ON" pochade_tests
}

# What runs on several threads: the engine, and every kernel by the cases of its operator.
tsan_tests() {
  local runner=
  # GCC 12's thread sanitizer cannot start where addresses are random in more bits than it knows.
  if setarch -R true 2>&1; then runner="setarch -R"; fi
  gtest build/tsan/pochade_tests --gtest_filter='*Thread*:*Session*:*Plan*:*Engine*:*Step*:*OperatorCase*'
}

aarch64_build() {
  tools/make_sysroot aarch64 &&
    checked_build aarch64 "-DPOCHADE_TESTS=CORE -DCMAKE_COMPILE_WARNING_AS_ERROR=ON" pochade_tests pochade-cli
}

aarch64_tests() {
  local runner="qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu"
  gtest build/aarch64/pochade_tests
}

armv7_build() {
  tools/make_sysroot armv7 && checked_build armv7 "-DPOCHADE_TESTS=OFF -DCMAKE_COMPILE_WARNING_AS_ERROR=ON" pochade-cli
}

scripts() { shellcheck -x check pochade .ci/run completions/pochade.bash tools/*.sh tools/make_sysroot; }

# Which parts there are, in order. The first word is the smallest check that runs it.
all_parts() {
  part quick "include order" tools/check_includes.py
  part quick "include order's own test" unittest tests/wrappers/check_includes_test.py
  part quick "format" format
  part quick "build" release_build
  part quick "unit tests" gtest build/release/pochade_tests
  part quick "wrappers" unittest tests/wrappers/wrappers_test.py
  part default "onnx conformance" onnx_conformance
  part default "onnx conformance: engine" onnx_conformance_engine
  part default "onnx round trip" onnx_round_trip
  part default "whole models" gtest build/release/model_tests
  part default "command line" unittest tests/cli/cli_test.py
  part default "installed copy" unittest tests/install/install_test.py
  part default "size of libpochade" library_size
  local by_others=full
  if [[ $rivals == yes ]]; then
    by_others=quick
    part quick "environments of the rivals" rival_environments
  fi
  part $by_others "onnx judged by others" judged onnx,onnxruntime onnxruntime onnx_judged
  part $by_others "tflite judged by others" judged ai_edge_litert litert tflite_judged
  part full "scripts" scripts
  part full "clang with sanitizers: build" clang_build
  part full "clang with sanitizers: unit tests" fuzz_unit_tests
  part full "kernel paths that tests reach" kernel_coverage
  part full "fuzzers" fuzzers
  part full "thread sanitizer: build" tsan_build
  part full "thread sanitizer: engine tests" tsan_tests
  part full "aarch64: build" aarch64_build
  part full "aarch64: unit tests in qemu" aarch64_tests
  part full "aarch64: pochade-run in qemu" unittest tests/cross/pochade_run_test.py
  part full "armv7: build" armv7_build
}
