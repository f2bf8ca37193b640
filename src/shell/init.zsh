# At every prompt fob_segment is set, e.g. to "work-mfa 3h12m" or "work-mfa expired"; to nothing when no session profile
# is selected. Put it where you like: setopt prompt_subst; RPROMPT='$fob_segment'
_fob_prompt() {
  emulate -L zsh
  typeset -g fob_segment=
  [[ -n $AWS_PROFILE ]] || return 0
  local now='%D{%s}'
  _fob_segment "${(%)now}"
  fob_segment=${fob_segment//\%/%%}
}
typeset -g fob_segment=
autoload -Uz add-zsh-hook
add-zsh-hook precmd _fob_prompt
