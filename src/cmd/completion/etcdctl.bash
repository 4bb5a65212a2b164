# bash completion for etcdctl                              -*- shell-script -*-
#
# The program says what may come next. Nothing that was typed is evaluated to ask it: variables and a
# leading ~ are replaced, commands are not run.

# Takes a line apart. Sets the caller's variables: words, the words before the last; word, the last
# one without its quotes; raw, the same as typed; quote, the quote that is still open in it.
__etcdctl_read()
{
    local rest=$1 c
    local name='^([{]([A-Za-z_][A-Za-z_0-9]*)[}]|([A-Za-z_][A-Za-z_0-9]*))'
    words=() word='' raw='' quote=''
    while [[ -n $rest ]]; do
        c=${rest:0:1} rest=${rest:1}
        if [[ -z $quote && $c == [[:blank:]] ]]; then
            [[ -n $raw ]] && words+=("$word")
            word='' raw=''
            continue
        fi
        raw+=$c
        if [[ $quote == "'" ]]; then
            if [[ $c == "'" ]]; then quote=''; else word+=$c; fi
        elif [[ $c == "\\" ]]; then
            c=${rest:0:1} rest=${rest:1}
            raw+=$c
            # Between double quotes a backslash stays, but for these.
            [[ -z $quote || $c == [\$\`\"\\] ]] || word+="\\"
            word+=$c
        elif [[ $c == '"' ]]; then
            if [[ -n $quote ]]; then quote=''; else quote=$c; fi
        elif [[ $c == "'" && -z $quote ]]; then
            quote=$c
        elif [[ $c == '$' && $rest =~ $name ]]; then
            c=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
            raw+=${BASH_REMATCH[0]} rest=${rest:${#BASH_REMATCH[0]}}
            word+=${!c-}
        elif [[ $c == '~' && $raw == '~' && ( -z $rest || $rest == [/[:blank:]]* ) ]]; then
            word+=${HOME-}
        else
            word+=$c
        fi
    done
}

__etcdctl_complete()
{
    local IFS=$' \t\n'
    local -a words
    local word raw quote typed kept program out line flag=''
    local -i directive=0
    COMPREPLY=()

    __etcdctl_read "${COMP_LINE:0:COMP_POINT}"
    [[ ${#words[@]} -gt 0 ]] || return 0
    typed=$word
    program=${words[0]}
    # A function may well know the way to a cluster; an alias is nothing that can be called.
    [[ $(type -t -- "$program") == f* ]] || program=etcdctl
    out=$(ETCDCTL_COMPLETION_QUOTES=1 "$program" __completeNoDesc "${words[@]:1}" "$typed" 2>/dev/null) || return 0
    if [[ ${out##*:} =~ ^[0-9]+$ ]]; then
        directive=${out##*:}
        out=${out%:*}
    fi

    # Values are offered without the --flag= before them.
    if [[ $typed == -*=* ]]; then
        flag=${typed%%=*}=
        for line in "${words[@]}"; do
            [[ $line == -- ]] && flag=''
        done
    fi

    # Readline replaces only what follows its last break character, $2: what it keeps is cut off.
    kept=${raw%"${2-}"}
    [[ $kept != "$raw" || -z ${2-} ]] || kept=''
    __etcdctl_read "$kept"
    kept=$word
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        line=$flag$line
        [[ $line == "$typed"* && $line == "$kept"* ]] || continue
        line=${line:${#kept}}
        case $quote in
            "'") line=${line//\'/\'\\\'\'} ;;
            '"')
                line=${line//\\/\\\\}
                line=${line//\"/\\\"}
                line=${line//\$/\\\$}
                line=${line//\`/\\\`}
                ;;
            *) [[ -z $line ]] || printf -v line %q "$line" ;;
        esac
        COMPREPLY+=("$line")
    done <<<"$out"

    # Not in the bash of macOS; nor when this function is called by hand.
    if type -t compopt >/dev/null; then
        ((directive & 2)) && compopt -o nospace
        ((directive & 4)) && compopt +o default
        ((directive & 16)) && compopt +o default -o dirnames
        ((directive & 32)) && compopt -o nosort
    fi 2>/dev/null
    return 0
}

if type -t compopt >/dev/null; then
    complete -o default -F __etcdctl_complete etcdctl
else
    complete -o default -o nospace -F __etcdctl_complete etcdctl
fi
