# fish completion for etcdctl                              -*- shell-script -*-
#
# The program says what may come next. Nothing that was typed is evaluated to ask it: variables are
# replaced, commands are not run.

# A word with its variables replaced.
function __etcdctl_plain --argument-names word
    while set -l name (string match -r -- '\$([A-Za-z_][A-Za-z_0-9]*)' "$word")
        set -l value $$name[2]
        set word (string replace -- "$name[1]" "$value" "$word")
        string match -q -- '*$*' "$value"; and break
    end
    printf '%s\n' "$word"
end

function __etcdctl_candidates
    set -l words (commandline -opc)
    set -l token (commandline -ct)

    # The word at the cursor, its quote closed if need be.
    set -l typed
    if not set typed (string unescape -- "$token")
        for quote in \' \"
            set typed (string unescape -- "$token$quote"); and break
        end
    end

    set -l program $words[1]
    type -q -- $program; or set program etcdctl
    set -l before
    for word in $words[2..-1]
        set -a before (__etcdctl_plain $word)
    end
    set -l out (ETCDCTL_COMPLETION_QUOTES=1 $program __complete $before "$typed" 2>/dev/null)
    string match -qr -- '^:[0-9]+$' "$out[-1]"; or return
    set -l directive (string sub -s 2 -- $out[-1])
    set -e out[-1]

    # Values are offered without the --flag= before them.
    set -l flag ''
    if not contains -- -- $before
        set flag (string match -r -- '^-[^=]*=' "$typed")
    end

    if test (count $out) -eq 0
        if test (math "floor($directive / 4) % 2") -eq 0
            set -l path (string replace -- "$flag" '' "$typed")
            for file in (__fish_complete_path "$path")
                printf '%s%s\n' "$flag" "$file"
            end
        end
        return
    end
    for line in $out
        printf '%s%s\n' "$flag" "$line"
    end
    # No space behind a part of a key: fish puts none where a longer candidate is there too.
    if test (count $out) -eq 1; and test (math "floor($directive / 2) % 2") -eq 1
        if not string match -qr -- '[@=/:.,]$' "$out[1]"
            printf '%s%s.\n' "$flag" "$out[1]"
        end
    end
end

complete -c etcdctl -e
complete -c etcdctl -k -f -a '(__etcdctl_candidates)'
