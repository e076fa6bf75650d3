// Package authscheme knows the authentication schemes of HTTP (RFC 9110 §11.1).
package authscheme

import "strings"

// known are the schemes that are registered at IANA, and others that clients send.
var known = [...]string{
	"Basic", "Bearer", "DPoP", "Digest", "Negotiate", "NTLM",
	"Concealed", "GNAP", "HOBA", "Mutual", "OAuth",
	"PrivateToken", "SCRAM-SHA-1", "SCRAM-SHA-256", "vapid",
	"Token", "JWT", "ApiKey", "AWS4-HMAC-SHA256",
}

// Known returns a scheme as it is spelled in its registration. It returns "" for any
// other word: a word in the place of a scheme may be a secret before which a client
// forgot the scheme, so that no answer and no log may repeat it.
func Known(scheme string) string {
	for _, k := range known {
		if strings.EqualFold(k, scheme) {
			return k
		}
	}
	return ""
}
