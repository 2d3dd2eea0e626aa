# bash completion for pochade. It asks the program itself, so it knows every verb and option that the program knows.
_pochade() {
  local word=${COMP_WORDS[COMP_CWORD]} program verb='' built i
  program=$(type -P -- "${COMP_WORDS[0]/#\~/$HOME}") || return 0
  # The wrapper of a checkout would build first: ask what it has built already.
  built=$(readlink -f -- "$program")
  built=${built%/*}/build/release/bin/pochade
  if [[ -x $built ]]; then program=$built; elif [[ $(head -c 2 -- "$program") == '#!' ]]; then return 0; fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then verb=${COMP_WORDS[i]}; break; fi
  done
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("$program" ${verb:+"$verb"} --help 2>/dev/null |
      grep -oE -- '(^| |,)--[a-z][a-z-]*' | tr -d ' ,')" -- "$word")
  elif [[ -z $verb ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null |
      sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p')" -- "$word")
  fi
}
complete -o default -o bashdefault -F _pochade pochade
