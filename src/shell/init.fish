# mfa [PROFILE] [OPTIONS OF fob login]: logs in, and selects the session profile in this shell.
# mfa -: selects what was selected before the first mfa, or nothing.
function mfa --description 'log in to AWS with an MFA code and select the session profile'
    if test "$argv" = -
        if not set -qg _fob_before
            echo 'mfa: nothing to go back to in this shell' >&2
            return 0
        end
        if test -n "$_fob_before"
            set -gx AWS_PROFILE $_fob_before
        else
            set -eg AWS_PROFILE
        end
        set -eg _fob_before
        return 0
    end
    set -l profile (fob mfa-login $argv)
    or return
    # A session profile's name is one word: this is the help.
    if not string match -qr '^\S+$' -- "$profile"
        printf '%s\n' \
            'Usage: mfa [profile] [options]  log in, and select the session profile in this shell' \
            '       mfa -                    select what was selected before the first mfa' \
            '' 'mfa runs fob login, and takes its options:' '' $profile
        return 0
    end
    if not set -qg _fob_before
        set -g _fob_before "$AWS_PROFILE"
        test "$_fob_before" != "$profile"; or set -g _fob_before ''
    end
    set -gx AWS_PROFILE $profile
end

# fob_prompt prints e.g. "work-mfa 3h12m" or "work-mfa expired"; nothing when no session profile is selected. It starts no
# process. Put it where you like: function fish_right_prompt; fob_prompt; end
function fob_prompt --description 'the selected AWS session profile and the time left of it'
    test -n "$AWS_PROFILE"; or return 0
    # The name of its file: all but some characters percent-encoded, byte by byte.
    set -l name ''
    for character in (string split '' -- $AWS_PROFILE)
        if not string match -qr '^[a-z0-9_@+=.-]$' -- $character; or test $name$character = .
            set -l encoded (string escape --style=url -- $character | string lower)
            string match -q '%*' -- $encoded; or set encoded (printf '%%%02x' "'$character")
            set character $encoded
        end
        set name $name$character
    end
    set -l file $HOME/.aws/credentials
    test -n "$AWS_SHARED_CREDENTIALS_FILE"; and set file $AWS_SHARED_CREDENTIALS_FILE
    string match -q '~/*' -- $file; and set file $HOME(string sub --start 2 -- $file)
    string match -q '*/*' -- $file; or set file ./$file
    set -l store (string replace --regex '/[^/]*$' /fob -- $file)
    test -n "$FOB_HOME"; and set store $FOB_HOME
    set file $store/sessions/$name
    test -r $file; or return 0
    read --local --line header session <$file; or return 0
    string match -qr '^fob1 \d+ '(string escape --style=regex -- $AWS_PROFILE)'$' -- $header; or return 0
    set -l at (string match -r '"Expiration":"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z"' -- $session); or return 0
    # Years and months begin in March, so that a leap day is the last of its year.
    set -l month (math "($at[3] + 9) % 12")
    set -l year (math "$at[2] - floor($month / 10)")
    set -l leap_days (math "floor($year / 4) - floor($year / 100) + floor($year / 400)")
    set -l day (math "365 * $year + $leap_days + floor((153 * $month + 2) / 5) + $at[4] - 719469")
    # fish has no clock, but from version 3.6 on it knows when a file was written and how long ago that is.
    set -l now
    if string match -qr '^(2|3\.[0-5])\.' -- $version
        set now (command date +%s)
    else
        set now (math (path mtime $file) + (path mtime --relative $file))
    end
    set -l left (math "86400 * $day + 3600 * $at[5] + 60 * $at[6] + $at[7] - $now")
    if test $left -le 0
        echo "$AWS_PROFILE expired"
    else if test $left -lt 60
        echo "$AWS_PROFILE $left"s
    else if test $left -lt 3600
        echo "$AWS_PROFILE "(math "floor($left / 60)")m
    else
        echo "$AWS_PROFILE "(math "floor($left / 3600)")h(math "floor($left / 60) % 60")m
    end
end
