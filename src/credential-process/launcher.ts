// The launcher: a shell script that answers as `fob credential-process` does where the session file alone decides, which
// takes a tenth of the time that Node.js needs to start. Everything else it hands over to fob.
//
// It runs under whatever /bin/sh is (dash, bash, busybox, ksh, zsh), so it uses what those have in common, and it starts
// one process, `date`. What it is called with is not trusted: SDKs, IDEs and `make` call it in odd environments.
import type { AwsFilePaths } from "../profiles/paths.ts";
import { FORMAT } from "../store/format.ts";
import { getSessionsFolder } from "../store/paths.ts";
import { quote, quoteShellLiteral } from "../text.ts";

/** Where fob is on this machine, and where its files are. All paths are absolute. */
export interface Installation {
  /** The session store's folder. */
  readonly store: string;
  readonly paths: AwsFilePaths;
  /** The Node.js that runs fob: `process.execPath`. */
  readonly node: string;
  /** fob's own program, `bin/fob`, behind any symbolic links. */
  readonly program: string;
}

/** For hints: the package is in no registry, so the way leads through a checkout. */
export const installAgain = 'install fob from a checkout: npm ci && npm install --global "$(npm pack --silent)"';

/**
 * The launcher's text. It is called with a profile, perhaps followed by `--endpoint-url URL`, and hands over to
 * `fob credential-process` with the same arguments.
 *
 * It relies on line 1 of a session file as src/store/format.ts describes it, and on `installedFor` in line 3. Where the
 * store is, and where the AWS files are, counts as of now: an environment that says otherwise is left to fob.
 *
 * An AWS file that an older one takes the place of is newer to src/store/fast-path.ts, but not to a shell's `test`.
 */
export function createLauncherScript({ store, paths, node, program }: Installation): string {
  const gone = (path: string): string =>
    quoteShellLiteral(`fob: error: ${quote(path)} no longer exists, and fob is not on your PATH`);
  return `#!/bin/sh
# Prints the credentials of a fob session profile. Written by fob credential-process --install, which writes it again.
#
# The caller's aliases, shell options and functions are undone. Variables of the environment are not assigned to, since
# fob is to find them as they were: hence the prefix, and PATH and IFS are set for one command only.
\\unalias -a
set +aeuvx
unset -f echo fob read test
unset fob_about fob_answer fob_config fob_credentials fob_file fob_head fob_home fob_node fob_now fob_other fob_program \\
  fob_sessions fob_until fob_url

fob_home=${quoteShellLiteral(store)}
fob_sessions=${quoteShellLiteral(getSessionsFolder(store))}
fob_config=${quoteShellLiteral(paths.config)}
fob_credentials=${quoteShellLiteral(paths.credentials)}
fob_node=${quoteShellLiteral(node)}
fob_program=${quoteShellLiteral(program)}

# Seconds since 1970, of few enough digits for every shell's arithmetic.
fob_is_second() {
  case $1 in '' | *[!0123456789]* | ????????????*) return 1 ;; esac
}

# Answers where that is certain to be what fob would answer.
fob_cached() {
  # A terminal would show the secrets, and fob says so.
  test ! -t 1 || return 1
  case $#:$2 in
    1:) ;;
    3:--endpoint-url) fob_url=$3 ;;
    *) return 1 ;;
  esac
  # Other names have other file names in the store. Every letter, because what a-z is depends on the locale.
  case $1 in '' | .* | -* | *[!abcdefghijklmnopqrstuvwxyz0123456789_@+=.-]*) return 1 ;; esac
  fob_file=$fob_sessions/$1
  test "\${FOB_HOME:-$fob_home}" = "$fob_home" &&
    test "\${AWS_CONFIG_FILE:-$fob_config}" = "$fob_config" &&
    test "\${AWS_SHARED_CREDENTIALS_FILE:-$fob_credentials}" = "$fob_credentials" &&
    test "\${AWS_ENDPOINT_URL:-$fob_url}" = "$fob_url" &&
    test "\${AWS_ENDPOINT_URL_STS:-$fob_url}" = "$fob_url" &&
    test -z "$AWS_MFA_SERIAL" &&
    test -f "$fob_file" && test ! -L "$fob_file" && test -O "$fob_file" && test -r "$fob_file" &&
    test ! "$fob_config" -nt "$fob_file" && test ! "$fob_credentials" -nt "$fob_file" || return 1
  # A line without an end is of a file that was cut off.
  { IFS= read -r fob_head && IFS= read -r fob_answer && IFS= read -r fob_about; } <"$fob_file" || return 1
  # The endpoint that the profile was installed for, if that is not AWS's own.
  fob_about=\${fob_about#*'"installedFor":"'}
  fob_about=\${fob_about%%'"'*}
  test "$fob_about" = "$fob_url" || return 1
  fob_until=\${fob_head#${FORMAT} }
  fob_until=\${fob_until%" $1"}
  test "$fob_head" = "${FORMAT} $fob_until $1" && fob_is_second "$fob_until" || return 1
  # echo is a part of every shell, as printf is not, whose arguments others could see; but some change backslashes.
  case $fob_answer in *\\\\*) return 1 ;; '{'*'}') ;; *) return 1 ;; esac
  fob_now=$(PATH=/usr/bin:/bin:/run/current-system/sw/bin; exec date +%s 2>/dev/null)
  fob_is_second "$fob_now" && test "$fob_now" -lt "$fob_until" || return 1
  echo "$fob_answer"
  exit
}

fob_cached "$@"

# The store that this launcher is in, also where a program that was not started from a shell does not know of it.
test -n "$FOB_HOME" || { FOB_HOME=$fob_home; export FOB_HOME; }
# The very Node.js and program that wrote this, whatever a version manager or an IDE has made of the PATH.
if test -f "$fob_node" && test -x "$fob_node" && test -r "$fob_program"; then
  exec "$fob_node" "$fob_program" credential-process "$@"
fi
fob_other=$(command -v fob) && test ! "$fob_other" -ef "$0" && exec "$fob_other" credential-process "$@"
if test -x "$fob_node"; then
  echo ${gone(program)} >&2
else
  echo ${gone(node)} >&2
fi
echo ${quoteShellLiteral(`fob: hint: ${installAgain}`)} >&2
# A name that a shell or echo might change is left for the reader to fill in.
case $1 in
  '' | -* | *[!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@+.-]*) set -- PROFILE ;;
esac
echo "fob: hint: then: fob credential-process --install $1" >&2
exit 1
`;
}
