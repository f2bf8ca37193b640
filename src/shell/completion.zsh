#compdef fob mfa
# Completion: fob itself is asked for it at every TAB.
_fob() {
  local value text file
  local -a typed found
  typed=("${(@Q)words[2,CURRENT-1]}" "$PREFIX")
  [[ $service == mfa ]] && typed=(login "${(@)typed}")
  fob complete "${(@)typed}" 2>/dev/null </dev/null | while IFS=$'\t' read -r value text; do
    if [[ $value == // ]]; then
      file=1
    else
      found+=("${${value//\\/\\\\}//:/\\:}${text:+:$text}")
    fi
  done
  if [[ -n $file ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '--*='
    _files
  else
    _describe fob found
  fi
}
# Where compinit finds this file by itself, it is the function already; else it comes after compinit.
if [[ ${funcstack[1]-} == _fob ]]; then
  _fob
elif (( ${+functions[compdef]} )); then
  compdef _fob fob mfa
fi
