# At every prompt fob_segment is set, e.g. to "work-mfa 3h12m" or "work-mfa expired"; to nothing when no session profile
# is selected. Put it where you like: PS1='${fob_segment:+$fob_segment }'$PS1
_fob_prompt() {
  local status=$? now
  fob_segment=
  if [[ -n ${AWS_PROFILE-} ]]; then
    # Bash has a clock from version 4.2 on.
    printf -v now '%(%s)T' -1 2>/dev/null || now=$(command date +%s)
    _fob_segment "$now"
  fi
  return "$status"
}
fob_segment=
[[ ${PROMPT_COMMAND[*]-} == *_fob_prompt* ]] || PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_fob_prompt
