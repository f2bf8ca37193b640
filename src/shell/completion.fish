# Completion: fob itself is asked for it at every TAB.
function _fob_complete
    set -l words (commandline --cut-at-cursor --tokenize --current-process)
    if test "$words[1]" = mfa
        set words[1] login
    else
        set -e words[1]
    end
    set -l word (commandline --cut-at-cursor --current-token)
    fob complete $words "$word" 2>/dev/null </dev/null | while read --line found
        # A file, whose name may follow an option's in the same word.
        if test "$found" = //
            set -l option (string match --regex -- '^--[^=]*=' "$word")
            for file in (__fish_complete_path (string replace --regex -- '^--[^=]*=' '' "$word"))
                printf '%s\n' "$option$file"
            end
        else
            printf '%s\n' $found
        end
    end
end
complete --command fob --no-files --keep-order --arguments '(_fob_complete)'
complete --command mfa --no-files --keep-order --arguments '(_fob_complete)'
