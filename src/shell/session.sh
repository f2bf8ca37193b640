# mfa [PROFILE] [OPTIONS OF fob login]: logs in, and selects the session profile in this shell.
# mfa -: selects what was selected before the first mfa, or nothing.
mfa() {
  if [[ $# -eq 1 && $1 == - ]]; then
    if [[ -z ${_fob_before+set} ]]; then
      printf '%s\n' 'mfa: nothing to go back to in this shell' >&2
      return 0
    fi
    if [[ -n $_fob_before ]]; then export AWS_PROFILE="$_fob_before"; else unset AWS_PROFILE; fi
    unset _fob_before
    return 0
  fi
  local profile
  profile=$(fob mfa-login "$@") || return
  # No session profile's name has a blank: this is the help.
  if [[ $profile == *[[:space:]]* ]]; then
    printf '%s\n' \
      'Usage: mfa [profile] [options]  log in, and select the session profile in this shell' \
      '       mfa -                    select what was selected before the first mfa' \
      '' 'mfa runs fob login, and takes its options:' '' "$profile"
    return 0
  fi
  if [[ -z ${_fob_before+set} ]]; then
    _fob_before=${AWS_PROFILE-}
    [[ $_fob_before != "$profile" ]] || _fob_before=
  fi
  export AWS_PROFILE="$profile"
}

# _fob_segment NOW: sets fob_segment to the selected session profile and the time left of it. Starts no process.
_fob_segment() {
  local name=$AWS_PROFILE file header session expiry year month day seconds
  _fob_file_name
  file=${AWS_SHARED_CREDENTIALS_FILE:-${HOME-}/.aws/credentials}
  # shellcheck disable=SC2088 # the variable may hold one
  case $file in
    '~/'*) file=${HOME-}/${file:2} ;;
    */*) ;;
    *) file=./$file ;;
  esac
  file=${FOB_HOME:-${file%/*}/fob}/sessions/$name
  [[ -r $file ]] || return 0
  { IFS= read -r header && IFS= read -r session; } 2>/dev/null <"$file" || return 0
  [[ $header == "fob1 "*" $AWS_PROFILE" ]] || return 0
  # Nothing secret stands behind the expiry, so that not even set -x shows it.
  expiry=${session##*'"Expiration":"'}
  expiry=${expiry%%'"'*}
  [[ $expiry == [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z ]] || return 0
  # Years and months begin in March, so that a leap day is the last of its year.
  month=$(((10#${expiry:5:2} + 9) % 12))
  year=$((10#${expiry:0:4} - month / 10))
  day=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + 10#${expiry:8:2} - 719469))
  seconds=$((86400 * day + 3600 * 10#${expiry:11:2} + 60 * 10#${expiry:14:2} + 10#${expiry:17:2} - $1))
  if ((seconds <= 0)); then
    fob_segment="$AWS_PROFILE expired"
  elif ((seconds < 60)); then
    fob_segment="$AWS_PROFILE ${seconds}s"
  elif ((seconds < 3600)); then
    fob_segment="$AWS_PROFILE $((seconds / 60))m"
  else
    fob_segment="$AWS_PROFILE $((seconds / 3600))h$((seconds / 60 % 60))m"
  fi
}

# Sets name to the name of its file: all but some characters percent-encoded, byte by byte.
_fob_file_name() {
  [[ $name == *[!abcdefghijklmnopqrstuvwxyz0123456789_@+=.-]* || $name == .* ]] || return 0
  local LC_ALL=C profile=$name byte code i
  name=
  for ((i = 0; i < ${#profile}; i++)); do
    byte=${profile:$i:1}
    if [[ $byte != [abcdefghijklmnopqrstuvwxyz0123456789_@+=.-] || $i$byte == 0. ]]; then
      printf -v code %d "'$byte"
      printf -v byte '%%%02x' "$((code & 255))"
    fi
    name+=$byte
  done
}
