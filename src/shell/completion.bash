# Completion: fob itself is asked for it at every TAB.
_fob() {
  local line=${COMP_LINE:0:COMP_POINT} words=() word before value
  COMPREPLY=()
  # The words without their backslashes, and without looking into anything that they say.
  # shellcheck disable=SC2162
  IFS=$' \t\n' read -d '' -a words <<<"$line" || :
  if [[ $line == *[[:blank:]] && $line != *\\[[:blank:]] ]]; then words+=(""); fi
  word=${words[${#words[@]} - 1]}
  if [[ ${words[0]} == mfa ]]; then words[0]=login; else words=("${words[@]:1}"); fi
  # Bash replaces only what stands behind the last character at which it breaks words; an @ it replaces as well.
  before=${word%"${word##*["${COMP_WORDBREAKS//[^=:@]/}"]}"}
  before=${before%@}
  while IFS=$'\t' read -r value _; do
    if [[ $value == // ]]; then
      # A file; bash before 4.0 cannot be told.
      compopt -o default 2>/dev/null
    elif [[ $value == "$word"* ]]; then
      printf -v value %q "${value#"$before"}"
      COMPREPLY+=("$value")
    fi
  done < <(fob complete "${words[@]}" 2>/dev/null </dev/null)
}
complete -F _fob fob mfa
