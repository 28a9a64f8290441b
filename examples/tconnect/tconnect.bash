# SPDX-License-Identifier: MIT
# bash completion for tconnect: options, policies, durations, hosts that bash knows, and paths of Unix sockets.
_tconnect() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  # "=" and ":" are words of their own, as readline breaks lines at them.
  [[ $before != = ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
  [[ $word != = ]] || word=
  case $before in
    --on-timeout)
      mapfile -t COMPREPLY < <(compgen -W 'close reset keep' -- "$word")
      return
      ;;
    --timeout | --hedge)
      mapfile -t COMPREPLY < <(compgen -W '100ms 250ms 1s 5s 30s' -- "$word")
      return
      ;;
    --max-in-flight) return ;;
  esac
  if [[ $before == : && ${COMP_WORDS[COMP_CWORD - 2]} == unix ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '--timeout --on-timeout --refuse-late --any --all --retry --hedge
      --max-in-flight --json --help --version' -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -A hostname -W 'unix:' -- "$word")
  fi
}
complete -o nospace -F _tconnect tconnect
