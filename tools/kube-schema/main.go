// Kube-schema writes src/kube/schema/union.txt and table.bin from the public Go modules of every minor
// release of Kubernetes and of OpenShift's API. It needs Go and the module proxy; run it in this folder:
//
//	go run .
//
// A field's number, name in JSON and type come from the Go source, and are compared with generated.proto.
// Whatever it does not understand or would lose ends it with a list, and nothing is written.
// For a new release: add it to releases.go, run, read the diff of union.txt.
package main

import (
	"fmt"
	"os"
	"strings"
)

const (
	unionPath = "../../src/kube/schema/union.txt"
	tablePath = "../../src/kube/schema/table.bin"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kube-schema:", err)
		os.Exit(1)
	}
}

func run() error {
	all := newUnion()
	last := newest{}
	var surprises []string
	var below map[string]*goPackage // what OpenShift's types are made of
	for _, family := range families() {
		u := newUnion()
		for _, release := range family.releases {
			packages, err := release.packages()
			if err != nil {
				return err
			}
			for path, one := range below {
				if packages[path] == nil {
					packages[path] = one
				}
			}
			found, odd := read(packages, family.root)
			for _, one := range odd {
				surprises = append(surprises, release.name+": "+one)
			}
			for name := range found.messages {
				if strings.HasPrefix(name, "openshift/") != (family.name == "openshift") {
					delete(found.messages, name)
				}
			}
			u.merge(release.name, found)
			last[family.name] = release.name
			if family.name == "kubernetes" {
				below = packages
			}
		}
		u.succeed()
		surprises = append(surprises, u.conflicts...)
		for key, line := range u.kinds {
			if all.kinds[key] != nil {
				surprises = append(surprises, "two kinds are called "+key)
			}
			all.kinds[key] = line
		}
		for name, one := range u.messages {
			all.messages[name] = one
		}
	}
	for _, one := range all.messages {
		for _, f := range one.fields {
			if isMessage(f.kind) && all.messages[f.kind.of] == nil {
				surprises = append(surprises, one.name+" needs "+f.kind.of+", which is in no newest release")
			}
		}
	}
	lost, err := all.lost(unionPath)
	if err != nil {
		return err
	}
	for _, line := range lost {
		surprises = append(surprises, "the union would lose or rename: "+line)
	}
	if len(surprises) > 0 {
		return fmt.Errorf("%d surprises:\n%s", len(surprises), strings.Join(surprises, "\n"))
	}
	if err := all.write(unionPath, last); err != nil {
		return err
	}
	return all.table(tablePath)
}

func isMessage(k kind) bool { return strings.Contains(k.of, ".") }
