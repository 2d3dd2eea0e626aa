# Sourced by ./pochade and ./check: installs missing packages and builds, with progress on stderr only.
# Expects $root (the checkout) and $self (the command's name, for messages).
# shellcheck shell=bash disable=SC2154

say() { printf '%s: %s\n' "$self" "$*" >&2; }

# --- Packages ---------------------------------------------------------------------------------------------------

# packages_of GROUP...: the packages of these groups of tools/packages.txt.
packages_of() {
  local group package groups=" $* "
  while read -r group package _; do
    if [[ -n $package && $group != \#* && $groups == *" $group "* ]]; then echo "$package"; fi
  done <"$root/tools/packages.txt"
}

# missing_of PACKAGE...: those that are not installed.
missing_of() {
  local package state installed=" "
  while read -r package state; do
    if [[ $state == installed ]]; then installed+="$package "; fi
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
  for package in "$@"; do
    if [[ $installed != *" $package "* ]]; then echo "$package"; fi
  done
}

# sizes_of PACKAGE...: "18.4 MB to download, 110 MB on disk" with everything that they depend on; fails if apt knows too little.
sizes_of() {
  local line download='' disk=''
  while IFS= read -r line; do
    if [[ $line =~ ^Need\ to\ get\ ([0-9.,]+\ [kMG]?B)(/([0-9.,]+\ [kMG]?B))? ]]; then download=${BASH_REMATCH[1]}; fi
    if [[ $line =~ ^After\ this\ operation,\ ([0-9.,]+\ [kMG]?B) ]]; then disk=${BASH_REMATCH[1]}; fi
  done < <(LC_ALL=C apt-get install --assume-no --no-install-recommends -o Debug::NoLocking=1 "$@" 2>/dev/null)
  if [[ -z $download ]]; then return 1; fi
  echo "$download to download, ${disk:-little} on disk, with what they depend on"
}

# as_root COMMAND...: runs it as it is for root, else through sudo (which may ask for a password only on a terminal).
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"
  elif [[ -t 0 && -t 2 ]]; then sudo "$@"
  else sudo -n "$@"; fi
}

# apt_quietly ARGUMENT...: apt-get as root; its output shows on a terminal, else only when it fails.
apt_quietly() {
  local output status
  if [[ -t 2 ]]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@" >&2
  else
    output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@" </dev/null 2>&1)
    status=$?
    if ((status != 0)); then printf '%s\n' "$output" | tail -n 20 >&2; fi
    return $status
  fi
}

# ensure_packages ALLOWED GROUP...: installs what the groups lack. ALLOWED is "no" for --no-install.
ensure_packages() {
  local allowed=$1 missing sizes answer all
  shift
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is no Debian: nothing is installed for you; tools/packages.txt names what is needed"
    return 0
  fi
  mapfile -t all < <(packages_of "$@")
  mapfile -t missing < <(missing_of "${all[@]}")
  if ((${#missing[@]} == 0)); then return 0; fi

  local user_is_root=no
  if [[ $(id -u) == 0 ]]; then user_is_root=yes; fi
  if ! sizes=$(sizes_of "${missing[@]}"); then
    # A fresh machine has no package lists yet; only root can fetch them.
    if [[ $user_is_root == yes && $allowed == yes ]]; then apt_quietly -q update; fi
    sizes=$(sizes_of "${missing[@]}") || sizes="sizes unknown before 'apt-get update'"
  fi
  say "missing packages: ${missing[*]} ($sizes)"

  local command="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  if [[ $user_is_root == no ]]; then command="sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"; fi
  if [[ $allowed == no ]]; then
    say "install them with:"
    printf '%s\n' "$command" >&2
    return 1
  fi
  if [[ ${POCHADE_INSTALL:-} != yes ]]; then
    if [[ -t 0 && -t 2 ]]; then
      printf '%s: install them now? [Y/n] ' "$self" >&2
      if ! read -r answer; then answer=n; fi
      if [[ ! $answer =~ ^([yY]|[yY]es|)$ ]]; then
        say "nothing was installed; the command is:"
        printf '%s\n' "$command" >&2
        return 1
      fi
    elif [[ $user_is_root == no ]]; then
      say "install them with the next line, or let $self do it with POCHADE_INSTALL=yes:"
      printf '%s\n' "$command" >&2
      return 1
    fi
  fi
  if [[ $user_is_root == no ]] && ! command -v sudo >/dev/null; then
    say "there is no sudo here; run this as root:"
    printf '%s\n' "apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    return 1
  fi

  say "installing ${#missing[@]} packages"
  apt_quietly -q update || say "apt-get update had errors; trying with the lists that are here"
  if ! apt_quietly -q -y install --no-install-recommends "${missing[@]}"; then
    say "the packages could not be installed"
    return 1
  fi
}

# --- Building ---------------------------------------------------------------------------------------------------

# take_lock FILE: one build at a time in this checkout; held (on descriptor 9) until free_lock or exit.
take_lock() {
  if ! { mkdir -p "${1%/*}" && exec 9>"$1"; } 2>/dev/null; then
    say "cannot write to ${1%/*}: the build needs a checkout that it may write to"
    return 1
  fi
  if ! flock -n 9; then
    say "waiting for another build in $root"
    flock 9
  fi
}

free_lock() { exec 9>&-; }

# jobs: as many compilers as there are CPUs, and as fit the memory at 700 MB each.
jobs() {
  local cpus name kilobytes fit
  cpus=$(nproc)
  while read -r name kilobytes _; do
    if [[ $name == MemAvailable: ]]; then fit=$((kilobytes / 700000)); fi
  done </proc/meminfo 2>/dev/null
  if ((${fit:-cpus} < cpus)); then cpus=$((fit > 1 ? fit : 1)); fi
  echo "$cpus"
}

# show_progress TITLE LOG: ninja's output on stdin becomes one moving line (a line each tenth without a terminal);
# what compilers say goes to LOG.
show_progress() {
  local line title=$1 log=$2 skip=no tenth last=-1 shown=no
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      skip=no
      if [[ -t 2 ]]; then
        printf '\r\033[K%s: %s %s of %s' "$self" "$title" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >&2
        shown=yes
      else
        tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
        if ((tenth != last && BASH_REMATCH[2] > 4)); then say "$title ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"; fi
        last=$tenth
      fi
    elif [[ $line == FAILED:* ]]; then
      skip=yes # the next line is the compiler's whole command
    elif [[ $skip == yes ]]; then
      skip=no
    else
      printf '%s\n' "$line" >>"$log"
    fi
  done
  if [[ $shown == yes ]]; then printf '\r\033[K' >&2; fi
}

# build PRESET FOLDER "CMAKE-OPTION..." TARGET...: configures where needed and builds. $FOLDER/messages.log has what compilers said.
build() {
  local preset=$1 folder=$2 options=$3 home='' log=$2/messages.log status
  shift 3
  mkdir -p "$folder" && : >"$log" || return 1
  local arguments=(--preset "$preset" -DPOCHADE_UNITY=ON)
  if [[ -f $folder/CMakeCache.txt ]]; then
    while IFS= read -r line; do
      if [[ $line == CMAKE_HOME_DIRECTORY:INTERNAL=* ]]; then home=${line#*=}; fi
    done <"$folder/CMakeCache.txt"
    # The checkout was moved or copied: what was built names the old place.
    if [[ $home != "$root" ]]; then arguments+=(--fresh); fi
  fi
  # A cache of whole objects (ccache) finds nothing of another checkout behind a precompiled header.
  if [[ -n ${CMAKE_CXX_COMPILER_LAUNCHER:-} ]]; then arguments+=(-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON); fi
  # shellcheck disable=SC2206  # the options are words by design
  arguments+=($options)
  if ! (cd "$root" && cmake "${arguments[@]}") >"$folder/configure.log" 2>&1; then
    tail -n 30 "$folder/configure.log" >&2
    say "cmake could not configure the build (all of it is in $folder/configure.log)"
    return 1
  fi
  (set -o pipefail
   cd "$folder" && NINJA_STATUS='[%f/%t] ' ninja -j "$(jobs)" "$@" 2>&1 | show_progress building "$log")
  status=$?
  if ((status != 0)); then
    tail -n 60 "$log" >&2
    say "the build failed"
    return 1
  fi
}
