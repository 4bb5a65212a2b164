package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A protoMessage is what generated.proto says of a message: its fields by number.
type protoMessage struct{ fields map[int]protoField }

type protoField struct {
	repeated bool
	kind     string // the type's last name; of a map the value's
	mapKey   string
}

var (
	protoComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	protoStart   = regexp.MustCompile(`^message (\w+) \{$`)
	protoLine    = regexp.MustCompile(`^(optional|repeated|required)? ?([\w.]+) (\w+) = (\d+)( \[[^\]]*\])?;$`)
	protoMap     = regexp.MustCompile(`^map<([\w.]+), ?([\w.]+)> (\w+) = (\d+);$`)
)

func parseProto(path string) (map[string]*protoMessage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	messages := map[string]*protoMessage{}
	var open *protoMessage
	text = protoComment.ReplaceAll(text, nil)
	for number, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		fail := func() (map[string]*protoMessage, error) {
			return nil, fmt.Errorf("%s:%d: not understood: %s", path, number+1, line)
		}
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case open == nil:
			if start := protoStart.FindStringSubmatch(line); start != nil {
				open = &protoMessage{map[int]protoField{}}
				messages[start[1]] = open
			} else if !strings.HasPrefix(line, "syntax") && !strings.HasPrefix(line, "package") &&
				!strings.HasPrefix(line, "import") && !strings.HasPrefix(line, "option") {
				return fail()
			}
		case line == "}":
			open = nil
		default:
			var field protoField
			var digits string
			if parts := protoLine.FindStringSubmatch(line); parts != nil {
				field = protoField{repeated: parts[1] == "repeated", kind: lastName(parts[2])}
				digits = parts[4]
			} else if parts := protoMap.FindStringSubmatch(line); parts != nil {
				field = protoField{kind: lastName(parts[2]), mapKey: parts[1]}
				digits = parts[4]
			} else {
				return fail()
			}
			at, err := strconv.Atoi(digits)
			if _, taken := open.fields[at]; taken || err != nil {
				return fail()
			}
			open.fields[at] = field
		}
	}
	return messages, nil
}

func lastName(name string) string { return name[strings.LastIndex(name, ".")+1:] }
