package openapi

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object whose members stay in their order: the tools that show a
// document show them so.
type object []member

type member struct {
	name  string
	value any
}

// has reports whether there is a member of that name: JSON has it once.
func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(b, m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := write(b, m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// write writes JSON without the escapes that are for HTML alone.
func write(b *bytes.Buffer, value any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	b.Truncate(len(bytes.TrimRight(b.Bytes(), "\n")))
	return err
}

// encode writes a document for people too.
func encode(o object) ([]byte, error) {
	var plain, indented bytes.Buffer
	if err := write(&plain, o); err != nil {
		return nil, err
	}
	if err := json.Indent(&indented, plain.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// ref is a reference to a component of the document, such as schemas/Error.
func ref(component string) object { return object{{"$ref", "#/components/" + component}} }
