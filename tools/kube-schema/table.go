package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// The numbers of src/kube/schema.rs, which describes the table.
var (
	specials = []string{
		"", "Time", "MicroTime", "Duration", "Quantity", "IntOrString", "RawExtension", "FieldsV1", "JSON",
		"JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray", "Fields",
	}
	elements = []string{"string", "bool", "i32", "i64", "u32", "u64", "f32", "f64", "bytes"}
	shapes   = []string{"", list, mapping, wrapped, mapWrapped, wrappedMap}
	flags    = []string{"omitempty", "omitzero", "pointer", "inline", "removed", "hidden"}
)

const (
	isAMessage = 9
	noMessage  = 0xffff
)

func (u *union) table(path string) error {
	var names []string
	seen := map[string]uint16{}
	name := func(text string) uint16 {
		at, ok := seen[text]
		if !ok {
			at = uint16(len(names))
			seen[text] = at
			names = append(names, text)
		}
		return at
	}
	messages := sorted(u.messages)
	number := map[string]uint16{}
	for i, one := range messages {
		number[one] = uint16(i)
	}
	var body bytes.Buffer
	put := func(value any) { binary.Write(&body, binary.LittleEndian, value) }

	put(uint16(len(messages)))
	for _, one := range messages {
		m := u.messages[one]
		code := 0
		if special[one] {
			code = slices.Index(specials, lastName(one))
		}
		if code < 0 || len(m.fields) > 255 {
			return fmt.Errorf("%s does not fit into the table", one)
		}
		put([2]uint8{uint8(code), uint8(len(m.fields))})
		for _, f := range m.fields {
			element, below := slices.Index(elements, f.kind.of), uint16(noMessage)
			if element < 0 {
				element, below = isAMessage, number[f.kind.of]
			}
			bits := uint8(0)
			for _, flag := range f.flags {
				bits |= 1 << slices.Index(flags, flag)
			}
			if f.last != m.last {
				bits |= 1 << slices.Index(flags, "removed")
			}
			put([3]uint8{uint8(f.number), uint8(element | slices.Index(shapes, f.kind.shape)<<4), bits})
			put([2]uint16{name(f.json), below})
		}
	}
	put(uint16(len(u.kinds)))
	for _, key := range sorted(u.kinds) {
		k := u.kinds[key]
		put([3]uint16{name(k.apiVersion), name(k.kind), number[k.message]})
	}

	var out bytes.Buffer
	binary.Write(&out, binary.LittleEndian, uint16(len(names)))
	for _, text := range names {
		if len(text) > 255 {
			return fmt.Errorf("the name %s does not fit into the table", text)
		}
		out.WriteByte(uint8(len(text)))
		out.WriteString(text)
	}
	out.Write(body.Bytes())
	fmt.Printf("%d kinds, %d messages, %d names: %d bytes\n", len(u.kinds), len(messages), len(names), out.Len())
	return os.WriteFile(path, out.Bytes(), 0o644)
}
