package main

import (
	"fmt"
	"go/ast"
	"sort"
	"strconv"
	"strings"
)

// A field of a message, as a release defines it.
type field struct {
	number int
	json   string
	kind   kind
	flags  []string // omitempty, omitzero, pointer, inline, hidden
	lifetime
}

// A lifetime is the first and the last release that had something.
type lifetime struct{ since, last string }

// A kind is a scalar's name or a message's, and how many of it: one, list<>, map<>, wrapped<>, map<wrapped<>>.
type kind struct{ shape, of string }

func (k kind) String() string {
	if k.shape == "" {
		return k.of
	}
	return strings.ReplaceAll(k.shape, "T", k.of)
}

const (
	list       = "list<T>"
	mapping    = "map<T>"
	wrapped    = "wrapped<T>"
	mapWrapped = "map<wrapped<T>>"
	wrappedMap = "wrapped<map<T>>"
)

type message struct {
	name   string
	fields []field // in the order of declaration
	lifetime
}

type kindLine struct {
	apiVersion, kind, message string
	lifetime
}

// A schema is all that one release says, or the union of many.
type schema struct {
	messages map[string]*message
	kinds    map[string]*kindLine // by "apiVersion kind"
}

// special are the messages with a JSON form of their own, each known to src/kube.
var special = map[string]bool{
	"meta/v1.Time": true, "meta/v1.MicroTime": true, "meta/v1.Duration": true, "meta/v1.FieldsV1": true,
	"meta/v1.Fields": true, "resource.Quantity": true, "intstr.IntOrString": true, "runtime.RawExtension": true,
	"apiextensions/v1.JSON": true, "apiextensions/v1beta1.JSON": true,
	"apiextensions/v1.JSONSchemaPropsOrBool": true, "apiextensions/v1beta1.JSONSchemaPropsOrBool": true,
	"apiextensions/v1.JSONSchemaPropsOrArray": true, "apiextensions/v1beta1.JSONSchemaPropsOrArray": true,
	"apiextensions/v1.JSONSchemaPropsOrStringArray": true, "apiextensions/v1beta1.JSONSchemaPropsOrStringArray": true,
}

// Requests' options belong to every group, and some answers to the core one.
const anyGroup = "*"

var shared = []struct{ apiVersion, name string }{
	{anyGroup, "CreateOptions"}, {anyGroup, "DeleteOptions"}, {anyGroup, "GetOptions"}, {anyGroup, "ListOptions"},
	{anyGroup, "PatchOptions"}, {anyGroup, "UpdateOptions"}, {anyGroup, "WatchEvent"},
	{"v1", "Status"}, {"v1", "APIVersions"}, {"v1", "APIGroupList"}, {"v1", "APIGroup"}, {"v1", "APIResourceList"},
}

const metaPackage = "k8s.io/apimachinery/pkg/apis/meta/v1"

// short is how the union names a type.
func short(path, name string) string {
	for _, one := range [][2]string{
		{"k8s.io/apimachinery/pkg/apis/", ""}, {"k8s.io/apimachinery/pkg/api/", ""},
		{"k8s.io/apimachinery/pkg/util/", ""}, {"k8s.io/apimachinery/pkg/", ""},
		{"k8s.io/apiextensions-apiserver/pkg/apis/", ""}, {"k8s.io/kube-aggregator/pkg/apis/", ""},
		{"k8s.io/api/", ""}, {openshiftAPI + "/", "openshift/"},
	} {
		if strings.HasPrefix(path, one[0]) {
			return one[1] + strings.TrimPrefix(path, one[0]) + "." + name
		}
	}
	return path + "." + name
}

// A reader turns packages into messages. Whatever it does not understand, it notes as a surprise.
type reader struct {
	packages  map[string]*goPackage
	schema    schema
	surprises []string
}

func (r *reader) surprise(format string, args ...any) {
	r.surprises = append(r.surprises, fmt.Sprintf(format, args...))
}

// read gives the kinds that packages below root register, and every message below them.
func read(packages map[string]*goPackage, root string) (schema, []string) {
	r := &reader{packages: packages, schema: schema{map[string]*message{}, map[string]*kindLine{}}}
	paths := make([]string, 0, len(packages))
	for path := range packages {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		p := packages[path]
		if !strings.HasPrefix(path, root) || p.protos == nil {
			continue // without protobuf an object is stored as JSON, which needs no table
		}
		for _, one := range p.kinds {
			if one.group.version != "__internal" {
				r.kind(p, one)
			}
		}
	}
	if meta := packages[metaPackage]; meta != nil && strings.HasPrefix(metaPackage, root) {
		for _, one := range shared {
			if meta.structs[one.name] != nil {
				r.schema.kinds[one.apiVersion+" "+one.name] =
					&kindLine{apiVersion: one.apiVersion, kind: one.name, message: r.message(metaPackage, one.name)}
			}
		}
	}
	return r.schema, r.surprises
}

func (r *reader) kind(p *goPackage, one registration) {
	path, name := locate(one.kept, p.path)
	if path == metaPackage && p.path != metaPackage {
		return // options that old packages register themselves; every group has them
	}
	// core/v1.List is meta/v1.List under another name, and so are old kinds of meta.k8s.io.
	if in := r.packages[path]; in != nil && in.structs[name] == nil && in.named[name].expr != nil {
		path, name = locate(in.named[name], path)
	}
	if name == "Table" && strings.HasPrefix(path, "k8s.io/apimachinery/pkg/apis/meta/") {
		return // it has no protobuf form, and is never stored
	}
	if r.packages[path] == nil || r.packages[path].structs[name] == nil {
		r.surprise("%s: kind %s is no struct", p.path, one.kind)
		return
	}
	body := r.packages[path].structs[name]
	first := len(body.fields) > 0 && body.fields[0].name == "TypeMeta"
	if !first && one.kind != "WatchEvent" {
		r.surprise("%s: kind %s does not begin with TypeMeta", p.path, one.kind)
	}
	line := &kindLine{apiVersion: one.group.String(), kind: one.kind, message: r.message(path, name)}
	key := line.apiVersion + " " + line.kind
	if other := r.schema.kinds[key]; other != nil && other.message != line.message {
		r.surprise("%s: kind %s is registered as %s and as %s", p.path, key, other.message, line.message)
	}
	r.schema.kinds[key] = line
}

// message reads a struct, once, and those below it.
func (r *reader) message(path, name string) string {
	full := short(path, name)
	if r.schema.messages[full] != nil {
		return full
	}
	made := &message{name: full}
	r.schema.messages[full] = made
	p := r.packages[path]
	if p.marshals[name] && !special[full] {
		r.surprise("%s marshals itself, and src/kube does not know how", full)
	}
	proto := p.protos[name]
	if proto == nil {
		if !special[full] {
			r.surprise("%s is not in generated.proto", full)
		}
		return full
	}
	seen := map[int]bool{}
	for _, one := range p.structs[name].fields {
		f, ok := r.field(p, full, one)
		if !ok {
			continue
		}
		if seen[f.number] {
			r.surprise("%s: number %d twice", full, f.number)
		}
		seen[f.number] = true
		r.crossCheck(full, f, proto)
		made.fields = append(made.fields, f)
	}
	for number := range proto.fields {
		if !seen[number] && !special[full] {
			r.surprise("%s: number %d is in generated.proto alone", full, number)
		}
	}
	return full
}

func (r *reader) field(p *goPackage, full string, one goField) (field, bool) {
	tag := one.tag.Get("protobuf")
	if tag == "" || tag == "-" {
		if one.name != "TypeMeta" && tag == "" && one.tag.Get("json") != "-" && !special[full] {
			r.surprise("%s: %s has no protobuf number", full, one.name)
		}
		return field{}, false
	}
	parts := strings.Split(tag, ",")
	number, err := strconv.Atoi(parts[min(1, len(parts)-1)])
	if err != nil || number < 1 || number > 255 {
		r.surprise("%s: %s has the protobuf tag %q", full, one.name, tag)
		return field{}, false
	}
	named := strings.Split(one.tag.Get("json"), ",")
	if named[0] == "-" {
		named[0] = "" // never printed: the number is known, and that is all
	}
	f := field{number: number, json: named[0]}
	var pointer bool
	f.kind, pointer = r.resolve(one.kind, p.path, full)
	inline := one.embedded && named[0] == ""
	for _, option := range named[1:] {
		switch option {
		case "inline":
			inline = true
		case "omitempty", "omitzero":
			f.flags = append(f.flags, option)
		case "", "omitemtpy", "omitEmpty": // misspelt in released types: Go passes over them
		default:
			r.surprise("%s: %s has the json option %q", full, one.name, option)
		}
	}
	if pointer {
		f.flags = append(f.flags, "pointer")
	}
	if inline && one.tag.Get("json") != "-" {
		f.flags = append(f.flags, "inline")
	} else if f.json == "" && one.tag.Get("json") != "-" {
		f.json = one.name
	}
	if one.tag.Get("json") == "-" {
		f.flags = append(f.flags, "hidden")
	}
	return f, true
}

var scalars = map[string]string{
	"string": "string", "bool": "bool", "int": "i64", "int32": "i32", "int64": "i64", "uint8": "u32", "byte": "u32",
	"uint32": "u32", "uint64": "u64", "float64": "f64", "float32": "f32", "uint16": "u32", "int16": "i32", "int8": "i32",
	"rune": "i32",
}

// resolve follows names down to scalars and messages.
func (r *reader) resolve(t goType, path, full string) (kind, bool) {
	switch expr := t.expr.(type) {
	case *ast.StarExpr:
		k, _ := r.resolve(goType{expr.X, t.imports}, path, full)
		return k, true
	case *ast.ArrayType:
		if element := baseName(expr.Elt); (element == "byte" || element == "uint8") && expr.Len == nil {
			return kind{"", "bytes"}, false
		}
		k, _ := r.resolve(goType{expr.Elt, t.imports}, path, full)
		if k.shape != "" {
			r.surprise("%s: a list of %s", full, k)
		}
		return kind{list, k.of}, false
	case *ast.MapType:
		if key, _ := r.resolve(goType{expr.Key, t.imports}, path, full); key != (kind{"", "string"}) {
			r.surprise("%s: a map by %s", full, key)
		}
		k, _ := r.resolve(goType{expr.Value, t.imports}, path, full)
		switch k.shape {
		case "":
			return kind{mapping, k.of}, false
		case wrapped:
			return kind{mapWrapped, k.of}, false
		}
		if full != "meta/v1.Fields" {
			r.surprise("%s: a map of %s", full, k)
		}
		return kind{mapping, k.of}, false
	case *ast.Ident, *ast.SelectorExpr:
		if name, ok := expr.(*ast.Ident); ok && scalars[name.Name] != "" {
			return kind{"", scalars[name.Name]}, false
		}
		target, name := locate(t, path)
		if target == "time" && name == "Duration" {
			return kind{"", "i64"}, false
		}
		p := r.packages[target]
		if p == nil {
			r.surprise("%s: %s.%s is not among the sources", full, target, name)
			return kind{"", "string"}, false
		}
		if p.structs[name] != nil {
			return kind{"", r.message(target, name)}, false
		}
		named, ok := p.named[name]
		if !ok {
			r.surprise("%s: %s.%s is no type", full, target, name)
			return kind{"", "string"}, false
		}
		k, pointer := r.resolve(named, target, full)
		// A list with a name is a message of its own where generated.proto has one so called.
		if k.shape == list && p.protos[name] != nil {
			k.shape = wrapped
		} else if k.shape == mapping && p.protos[name] != nil {
			k.shape = wrappedMap
		} else if k.shape != "" && p.protos[name] != nil {
			r.surprise("%s: %s.%s is a message and a %s", full, target, name, k)
		}
		return k, pointer
	}
	r.surprise("%s: a type that no message can have", full)
	return kind{"", "string"}, false
}

// locate is the package and the name of a named type.
func locate(t goType, path string) (string, string) {
	switch expr := t.expr.(type) {
	case *ast.StarExpr:
		return locate(goType{expr.X, t.imports}, path)
	case *ast.SelectorExpr:
		return t.imports[baseName(expr.X)], expr.Sel.Name
	}
	return path, baseName(t.expr)
}

var protoScalars = map[string]string{
	"string": "string", "bool": "bool", "int32": "i32", "int64": "i64", "uint32": "u32", "uint64": "u64",
	"double": "f64", "float": "f32", "bytes": "bytes",
}

// crossCheck compares what Go says with what generated.proto says.
func (r *reader) crossCheck(full string, f field, proto *protoMessage) {
	if special[full] {
		return
	}
	said, ok := proto.fields[f.number]
	if !ok {
		r.surprise("%s: number %d (%s) is not in generated.proto", full, f.number, f.json)
		return
	}
	shape := f.kind.shape
	agrees := said.repeated == (shape == list) && (said.mapKey != "") == (shape == mapping || shape == mapWrapped)
	if full == "openshift/oauth/v1.UserOAuthAccessTokenList" && said.kind == "UserOAuthAccessToken" {
		return // defined in Go as an OAuthAccessToken, field by field
	}
	if shape != wrapped && shape != mapWrapped && shape != wrappedMap {
		want := f.kind.of[strings.LastIndex(f.kind.of, ".")+1:]
		agrees = agrees && (protoScalars[said.kind] == f.kind.of || said.kind == want)
	} else {
		agrees = agrees && protoScalars[said.kind] == ""
	}
	if !agrees {
		r.surprise("%s: number %d (%s) is %s in Go and %+v in generated.proto", full, f.number, f.json, f.kind, said)
	}
}
