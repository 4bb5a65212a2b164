package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A release is where one minor version of an API family has its Go sources.
type release struct {
	name    string
	modules []module
}

// A module of the public Go module proxy, and the folder inside it below which import paths begin.
type module struct {
	path, version, below string
}

// A family is a row of releases, oldest first. What is gone from its newest release is gone.
type family struct {
	name     string
	root     string // import paths below it belong to the family
	releases []release
}

const openshiftAPI = "github.com/openshift/api"

// Up to 1.14 the API's modules have no versions of their own, but stand in that of Kubernetes; the
// pseudo-versions of 1.15 and 1.16 are those that apiextensions-apiserver of that release requires.
func families() []family {
	kubernetes := family{name: "kubernetes", root: "k8s.io/"}
	add := func(name string, modules ...module) {
		kubernetes.releases = append(kubernetes.releases, release{name, modules})
	}
	for minor := 8; minor <= 14; minor++ {
		version := fmt.Sprintf("1.%d", minor)
		add(version, module{"k8s.io/kubernetes", "v" + version + ".0", "staging/src"})
	}
	add("1.15",
		module{"k8s.io/api", "v0.0.0-20190620084959-7cf5895f2711", ""},
		module{"k8s.io/apimachinery", "v0.0.0-20190612205821-1799e75a0719", ""},
		module{"k8s.io/apiextensions-apiserver", "v0.0.0-20190620085554-14e95df34f1f", ""})
	add("1.16",
		module{"k8s.io/api", "v0.0.0-20190918155943-95b840bb6a1f", ""},
		module{"k8s.io/apimachinery", "v0.0.0-20190913080033-27d36303b655", ""},
		module{"k8s.io/apiextensions-apiserver", "v0.0.0-20190918161926-8f644eb6e783", ""})
	for minor := 17; minor <= 37; minor++ {
		version := fmt.Sprintf("v0.%d.0", minor)
		add(fmt.Sprintf("1.%d", minor),
			module{"k8s.io/api", version, ""},
			module{"k8s.io/apimachinery", version, ""},
			module{"k8s.io/apiextensions-apiserver", version, ""},
			module{"k8s.io/kube-aggregator", version, ""})
	}
	openshift := family{name: "openshift", root: openshiftAPI + "/"}
	// A release of OpenShift has no tag in the module; these are commits of the years between 3.9 and now.
	for _, one := range [][2]string{
		{"2018", "v3.9.0+incompatible"},
		{"2020", "v0.0.0-20200331152225-585af27e34fd"},
		{"2021", "v0.0.0-20210521075222-e273a339932a"},
		{"2023", "v0.0.0-20230503133300-8bbcb7ca7183"},
		{"2024", "v0.0.0-20240124164020-e2ce40831f2e"},
		{"2026", "v0.0.0-20260813212709-d4bb0b443cb8"},
	} {
		openshift.releases = append(openshift.releases,
			release{one[0], []module{{openshiftAPI, one[1], ""}}})
	}
	return []family{kubernetes, openshift}
}

// folder is where Go keeps the module's files, downloaded if need be.
func (m module) folder() (string, error) {
	scratch, err := os.MkdirTemp("", "kube-schema")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	command := exec.Command("go", "mod", "download", "-json", m.path+"@"+m.version)
	// Outside of any module: what this program's own module requires is beside the point.
	command.Dir = scratch
	command.Stderr = os.Stderr
	answer, err := command.Output()
	var said struct{ Dir, Error string }
	if parsed := json.Unmarshal(answer, &said); parsed != nil {
		return "", fmt.Errorf("%s@%s: %v %v", m.path, m.version, err, parsed)
	}
	if said.Error != "" {
		return "", fmt.Errorf("%s@%s: %s", m.path, m.version, said.Error)
	}
	return filepath.Join(said.Dir, m.below), nil
}

// packages reads every package of the release that can hold API types, by import path.
func (r release) packages() (map[string]*goPackage, error) {
	found := map[string]*goPackage{}
	for _, m := range r.modules {
		root, err := m.folder()
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			below, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			importPath := strings.TrimSuffix(m.path+"/"+filepath.ToSlash(below), "/.")
			if m.below != "" {
				importPath = filepath.ToSlash(below)
			}
			switch entry.Name() {
			case "vendor", "testdata", "third_party", "hack", "tools", "testing", "testapigroup", "example", "test":
				return filepath.SkipDir
			}
			if !holdsTypes(importPath) {
				return nil
			}
			one, err := parsePackage(path, importPath)
			if err == nil && one != nil {
				found[importPath] = one
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return found, nil
}

// Only these folders have types with protobuf numbers that an API server stores.
func holdsTypes(importPath string) bool {
	switch importPath {
	case "k8s.io/apimachinery/pkg/runtime", "k8s.io/apimachinery/pkg/api/resource",
		"k8s.io/apimachinery/pkg/util/intstr", "k8s.io/apimachinery/pkg/types":
		return true
	}
	for _, prefix := range []string{
		"k8s.io/api/", "k8s.io/apimachinery/pkg/apis/meta/v1",
		"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v",
		"k8s.io/kube-aggregator/pkg/apis/apiregistration/v", openshiftAPI + "/",
	} {
		if strings.HasPrefix(importPath, prefix) {
			return !strings.HasSuffix(importPath, "/unstructured") && !strings.Contains(importPath, "/applyconfigurations")
		}
	}
	return false
}
