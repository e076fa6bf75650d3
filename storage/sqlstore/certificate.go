package sqlstore

import (
	"database/sql"
	"encoding/json"

	"github.com/contit/oauth/storage"
)

// certificateText is a storage.ClientCertificate as the column has it.
type certificateText struct {
	SubjectDN string `json:"subject_dn,omitempty"`
	SANDNS    string `json:"san_dns,omitempty"`
	SANURI    string `json:"san_uri,omitempty"`
	SANIP     string `json:"san_ip,omitempty"`
	SANEmail  string `json:"san_email,omitempty"`
	Bound     bool   `json:"bound,omitempty"`
}

// certificate adds it as JSON, and the zero value as NULL.
func (a *args) certificate(c *storage.ClientCertificate) {
	if *c == (storage.ClientCertificate{}) {
		a.add(nil, nil)
		return
	}
	for _, s := range []string{c.SubjectDN, c.SANDNS, c.SANURI, c.SANIP, c.SANEmail} {
		if !isText(s) { // JSON would change it
			a.add(nil, errText)
			return
		}
	}
	b, err := json.Marshal(certificateText(*c))
	a.add(string(b), err)
}

// certificate reads the value that the method of args with the same name made.
type certificate storage.ClientCertificate

// Scan implements [sql.Scanner].
func (c *certificate) Scan(value any) error {
	*c = certificate{}
	if value == nil {
		return nil
	}
	var text sql.Null[[]byte]
	if err := text.Scan(value); err != nil || !text.Valid {
		return err
	}
	var t certificateText
	if err := json.Unmarshal(text.V, &t); err != nil {
		return err
	}
	*c = certificate(t)
	return nil
}
