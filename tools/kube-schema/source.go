package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// A goPackage is what the Go sources of one package say: types, names, what is registered as a kind.
type goPackage struct {
	path      string
	structs   map[string]*goStruct
	named     map[string]goType
	marshals  map[string]bool // types with a JSON form of their own
	groups    map[string]groupVersion
	constants map[string]string
	kinds     []registration
	protos    map[string]*protoMessage // nil: the package has no protobuf form
}

type goStruct struct{ fields []goField }

type goField struct {
	name     string
	embedded bool
	kind     goType
	tag      reflect.StructTag
}

// A goType is an expression together with what its file imports.
type goType struct {
	expr    ast.Expr
	imports map[string]string
}

type groupVersion struct{ group, version string }

func (gv groupVersion) String() string {
	if gv.group == "" {
		return gv.version
	}
	return gv.group + "/" + gv.version
}

// A registration is a kind that the package adds to the scheme.
type registration struct {
	group groupVersion
	kind  string
	kept  goType // its Go type
}

// parsePackage reads a folder; nil when it has no Go file.
func parsePackage(folder, importPath string) (*goPackage, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	p := &goPackage{
		path: importPath, structs: map[string]*goStruct{}, named: map[string]goType{},
		marshals: map[string]bool{}, groups: map[string]groupVersion{}, constants: map[string]string{},
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, entry := range entries {
		name := entry.Name()
		if name == "generated.proto" {
			if p.protos, err = parseProto(filepath.Join(folder, name)); err != nil {
				return nil, err
			}
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || isGenerated(name) {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(folder, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, nil
	}
	// A group's name may stand in any file.
	for _, file := range files {
		p.strings(file)
	}
	for _, file := range files {
		p.declarations(file)
	}
	if importPath == "k8s.io/apimachinery/pkg/runtime" {
		files = nil // it defines what a registration is
	}
	for _, file := range files {
		if err := p.registrations(file); err != nil {
			return nil, fmt.Errorf("%s: %w", importPath, err)
		}
	}
	return p, nil
}

// Generated code repeats what the types say. One file has a second form of FieldsV1, behind a build tag.
func isGenerated(name string) bool {
	return strings.HasPrefix(name, "zz_generated") || strings.HasPrefix(name, "generated.") ||
		strings.HasPrefix(name, "types_swagger") || name == "fieldsv1_string.go"
}

func (p *goPackage) declarations(file *ast.File) {
	imports := importsOf(file)
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			if declaration.Name.Name == "MarshalJSON" && declaration.Recv != nil {
				p.marshals[baseName(declaration.Recv.List[0].Type)] = true
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if body, ok := spec.Type.(*ast.StructType); ok {
						p.structs[spec.Name.Name] = structOf(body, imports)
					} else {
						p.named[spec.Name.Name] = goType{spec.Type, imports}
					}
				case *ast.ValueSpec:
					p.values(spec)
				}
			}
		}
	}
}

func structOf(body *ast.StructType, imports map[string]string) *goStruct {
	found := &goStruct{}
	for _, field := range body.Fields.List {
		var tag reflect.StructTag
		if field.Tag != nil {
			text, _ := strconv.Unquote(field.Tag.Value)
			tag = reflect.StructTag(text)
		}
		one := goField{kind: goType{field.Type, imports}, tag: tag}
		if len(field.Names) == 0 {
			one.name, one.embedded = baseName(field.Type), true
			found.fields = append(found.fields, one)
		}
		for _, name := range field.Names {
			one.name = name.Name
			found.fields = append(found.fields, one)
		}
	}
	return found
}

// strings notes the names that stand for a text.
func (p *goPackage) strings(file *ast.File) {
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if i >= len(spec.Values) {
				break
			}
			if literal, ok := spec.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				p.constants[name.Name], _ = strconv.Unquote(literal.Value)
			}
		}
		return false
	})
}

// values notes the variables that hold a group and version.
func (p *goPackage) values(spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			return
		}
		switch value := spec.Values[i].(type) {
		case *ast.CompositeLit:
			if baseName(value.Type) != "GroupVersion" {
				continue
			}
			var found groupVersion
			for _, element := range value.Elts {
				pair, ok := element.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				switch baseName(pair.Key) {
				case "Group":
					found.group = p.text(pair.Value)
				case "Version":
					found.version = p.text(pair.Value)
				}
			}
			p.groups[name.Name] = found
		case *ast.Ident:
			if found, ok := p.groups[value.Name]; ok {
				p.groups[name.Name] = found
			}
		}
	}
}

func (p *goPackage) text(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(expr.Value)
		return text
	case *ast.Ident:
		return p.constants[expr.Name]
	case *ast.SelectorExpr:
		// corev1.GroupName, runtime.APIVersionInternal
		if expr.Sel.Name == "APIVersionInternal" {
			return "__internal"
		}
		return p.constants[expr.Sel.Name]
	}
	return ""
}

// registrations finds what functions add to a scheme. What cannot be followed is an error.
func (p *goPackage) registrations(file *ast.File) error {
	imports := importsOf(file)
	var failed error
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		// AddToGroupVersion adds the options of requests to a group that its caller names.
		if !ok || function.Body == nil || function.Name.Name == "AddToGroupVersion" || function.Name.Name == "AddConversionFuncs" {
			continue
		}
		lists := map[string][]ast.Expr{}
		ast.Inspect(function.Body, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.AssignStmt:
				if literal, ok := node.Rhs[0].(*ast.CompositeLit); ok && len(node.Lhs) == 1 {
					lists[baseName(node.Lhs[0])] = literal.Elts
				}
			case *ast.CallExpr:
				if selector, ok := node.Fun.(*ast.SelectorExpr); ok && failed == nil {
					failed = p.registered(selector.Sel.Name, node.Args, lists, imports)
				}
			}
			return true
		})
	}
	return failed
}

func (p *goPackage) registered(function string, args []ast.Expr, lists map[string][]ast.Expr, imports map[string]string) error {
	switch function {
	case "AddKnownTypes", "AddUnversionedTypes":
		group, ok := p.groups[baseName(args[0])]
		if !ok {
			return fmt.Errorf("%s of an unknown group %s", function, baseName(args[0]))
		}
		var types []ast.Expr
		for _, arg := range args[1:] {
			if list, ok := lists[baseName(arg)]; ok {
				types = append(types, list...)
			} else {
				types = append(types, arg)
			}
		}
		for _, one := range types {
			if name, isName := one.(*ast.Ident); isName && name.Name == "optionsTypes" {
				continue
			}
			kept := goType{literalType(one), imports}
			if kept.expr == nil {
				return fmt.Errorf("%s of something else than &Type{}", function)
			}
			p.kinds = append(p.kinds, registration{group, baseName(kept.expr), kept})
		}
	case "AddKnownTypeWithName":
		call, ok := args[0].(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return fmt.Errorf("%s without WithKind", function)
		}
		group := p.groups[baseName(call.Fun.(*ast.SelectorExpr).X)]
		p.kinds = append(p.kinds, registration{group, p.text(call.Args[0]), goType{literalType(args[1]), imports}})
	}
	return nil
}

// literalType is T of &T{}.
func literalType(expr ast.Expr) ast.Expr {
	if unary, ok := expr.(*ast.UnaryExpr); ok {
		expr = unary.X
	}
	if literal, ok := expr.(*ast.CompositeLit); ok {
		return literal.Type
	}
	return nil
}

// baseName is the last name in an expression.
func baseName(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.StarExpr:
		return baseName(expr.X)
	case *ast.SelectorExpr:
		return expr.Sel.Name
	}
	return ""
}

func importsOf(file *ast.File) map[string]string {
	imports := map[string]string{}
	for _, one := range file.Imports {
		path, _ := strconv.Unquote(one.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if one.Name != nil {
			name = one.Name.Name
		}
		imports[name] = path
	}
	return imports
}
