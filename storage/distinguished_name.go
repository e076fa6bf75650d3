package storage

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// dn is a distinguished name: its relative names from the most specific to the least, as
// RFC 4514 writes them. Within a relative name the attributes are in order, so that equal
// names are equal values.
type dn [][]attribute

// attribute is one attribute of a relative name: its OID, such as 2.5.4.3 for CN, and its
// text.
type attribute struct{ oid, value string }

// attributeTypes are the short names of RFC 4514 §3, and those that openssl writes for
// two others of RFC 5280.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "STREET": "2.5.4.9",
	"O": "2.5.4.10", "OU": "2.5.4.11", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"EMAILADDRESS": "1.2.840.113549.1.9.1",
}

var (
	errDNEmpty  = errors.New("it is empty, or has an empty part")
	errDNType   = errors.New("it has a type of attribute that is neither known nor an OID")
	errDNValue  = errors.New("it has a character that must be escaped by a backslash, or a wrong escape")
	errDNEncode = errors.New("it has a value in the form #hex, which is not supported")
)

// parseDN reads a distinguished name in the form of RFC 4514 §3: "CN=a\, b+UID=1,O=x".
// A space around a comma or a plus, which older tools write, is left out.
func parseDN(text string) (dn, error) {
	var d dn
	var rdn []attribute
	for rest := text; ; {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, errDNEmpty
		}
		oid, known := attributeTypes[strings.ToUpper(strings.Trim(name, " "))]
		if !known {
			if oid = strings.Trim(name, " "); !isOID(oid) {
				return nil, errDNType
			}
		}
		value, end, after, err := dnValue(after)
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, attribute{oid, value})
		if end != '+' {
			d, rdn = append(d, sorted(rdn)), nil
		}
		if end == 0 {
			return d, nil
		}
		rest = after
	}
}

// dnValue reads a value up to the comma or the plus after it, or to the end, which is 0.
func dnValue(text string) (value string, end byte, rest string, err error) {
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "#") {
		return "", 0, "", errDNEncode
	}
	var b []byte
	kept := 0 // the length up to the last byte that is no space, or is an escaped one
	for i := 0; ; i++ {
		if i == len(text) || text[i] == ',' || text[i] == '+' {
			b = b[:kept]
			switch {
			case len(b) == 0:
				return "", 0, "", errDNEmpty
			case !utf8.Valid(b):
				return "", 0, "", errDNValue
			case i == len(text):
				return string(b), 0, "", nil
			}
			return string(b), text[i], text[i+1:], nil
		}
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(` "#+,;<=>\`, text[i+1]) >= 0:
			i++
			c = text[i]
		case c == '\\' && i+2 < len(text):
			pair, err := hex.DecodeString(text[i+1 : i+3])
			if err != nil {
				return "", 0, "", errDNValue
			}
			i, c = i+2, pair[0]
		case strings.IndexByte("\"\\;<>\x00", c) >= 0:
			return "", 0, "", errDNValue
		case c == ' ':
			b = append(b, c)
			continue
		}
		b = append(b, c)
		kept = len(b)
	}
}

func isOID(s string) bool {
	arcs := strings.Split(s, ".")
	for _, arc := range arcs {
		if arc == "" || strings.Trim(arc, "0123456789") != "" || len(arc) > 1 && arc[0] == '0' {
			return false
		}
	}
	return len(arcs) > 1
}

func sorted(rdn []attribute) []attribute {
	slices.SortFunc(rdn, func(a, b attribute) int {
		if c := strings.Compare(a.oid, b.oid); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	return rdn
}

// dnOf reads the subject of a certificate from its bytes: the fields of pkix.Name lose
// the order and the sets of attributes.
func dnOf(raw []byte) (dn, error) {
	var seq pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &seq); err != nil || len(rest) > 0 {
		return nil, errDNValue
	}
	var d dn
	for _, set := range slices.Backward(seq) { // a certificate has the least specific first
		var rdn []attribute
		for _, a := range set {
			value, ok := a.Value.(string)
			if !ok {
				return nil, errDNValue
			}
			rdn = append(rdn, attribute{a.Type.String(), value})
		}
		d = append(d, sorted(rdn))
	}
	return d, nil
}

// equal reports whether two names are the same: the same attributes with the same values,
// byte for byte, in the same relative names. An empty name equals none.
func (d dn) equal(other dn) bool {
	return len(d) > 0 && slices.EqualFunc(d, other, func(a, b []attribute) bool { return slices.Equal(a, b) })
}
