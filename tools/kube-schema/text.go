package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
)

const header = `# The types of every object that Kubernetes or OpenShift has ever stored in etcd as protobuf: the union of
# their releases. Written by tools/kube-schema; append-only: what was stored once must stay readable.
#
# Derived from the Kubernetes API definitions, Copyright The Kubernetes Authors, and from the OpenShift
# API definitions, Copyright Red Hat, Inc.; both under the Apache License, Version 2.0.
#
# kind APIVERSION KIND MESSAGE RELEASES     * for APIVERSION: of every group
# message MESSAGE RELEASES                  its fields follow, in the order of declaration
#   NUMBER JSON-NAME TYPE [FLAG ...] RELEASES
#
# RELEASES is the first one that had it, and the last one (..1.21) where a later one does not. OpenShift's
# are years. JSON-NAME is - for what has none. FLAG: omitempty, omitzero, inline as in Go's tags; pointer:
# absent is null, not zero; hidden: never printed.
`

// A newest tells the newest release of the family that a message belongs to.
type newest map[string]string

func (n newest) of(message string) string {
	if strings.HasPrefix(message, "openshift/") {
		return n["openshift"]
	}
	return n["kubernetes"]
}

func (l lifetime) text(newest string) string {
	if l.last == newest {
		return l.since
	}
	return l.since + ".." + l.last
}

func (u *union) write(path string, n newest) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	out.WriteString(header)
	for _, key := range sorted(u.kinds) {
		k := u.kinds[key]
		fmt.Fprintf(out, "kind %s %s %s %s\n", k.apiVersion, k.kind, k.message, k.text(n.of(k.message)))
	}
	for _, name := range sorted(u.messages) {
		m := u.messages[name]
		fmt.Fprintf(out, "message %s %s\n", name, m.text(n.of(name)))
		for _, f := range m.fields {
			words := append([]string{fmt.Sprint(f.number), orDash(f.json), f.kind.String()}, f.flags...)
			// A field lives as long as its message unless it says otherwise.
			fmt.Fprintf(out, "  %s %s\n", strings.Join(words, " "), f.text(m.last))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// lost lists what the text at path has and the union has not: releases can only add.
func (u *union) lost(path string) ([]string, error) {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lost []string
	var open *message
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case len(words) == 5 && words[0] == "kind":
			if u.kinds[words[1]+" "+words[2]] == nil {
				lost = append(lost, line)
			}
		case len(words) == 3 && words[0] == "message":
			if open = u.messages[words[1]]; open == nil {
				lost = append(lost, line)
			}
		case len(words) >= 4 && open != nil:
			if !open.has(words[0], words[1]) {
				lost = append(lost, open.name+line)
			}
		}
	}
	return lost, lines.Err()
}

func (m *message) has(number, json string) bool {
	for _, f := range m.fields {
		if fmt.Sprint(f.number) == number {
			return orDash(f.json) == json
		}
	}
	return false
}

func orDash(name string) string {
	if name == "" {
		return "-"
	}
	return name
}

func sorted[V any](of map[string]V) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
