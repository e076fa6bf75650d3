package clientmetadata

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxDocument  = 5 << 10

	defaultAge = time.Hour
	minAge     = 5 * time.Minute
	maxAge     = 24 * time.Hour
)

// fetch asks for a document, and returns how long it may be kept. A server that is
// away is an outage, as is one that says so itself (5xx, 429); every other answer that
// is no document is an unknown client.
func (d *Documents) fetch(ctx context.Context, id string) (m *metadata, age time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, id, nil)
	if err != nil {
		return nil, 0, unusable("its URL cannot be asked for")
	}
	request.Header.Set("Accept", "application/json")
	response, err := d.config.HTTP.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("clientmetadata: fetch the document: %w", err)
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return nil, 0, fmt.Errorf("clientmetadata: fetch the document: its server answers %d", status)
	case status != http.StatusOK:
		return nil, 0, unusable("its server answers %d, and redirects are not followed", status)
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return nil, 0, unusable("it is no application/json")
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("clientmetadata: fetch the document: %w", err)
	case len(text) > maxDocument:
		return nil, 0, unusable("it is over %d bytes long", maxDocument)
	}
	m, f := parse(text)
	if f == nil {
		f = m.check()
	}
	switch {
	case f != nil:
		return nil, 0, unusable("%s", f.description)
	case m.ClientID != id:
		return nil, 0, unusable("its client_id is not its URL, byte for byte")
	}
	return m, ageOf(strings.Join(response.Header.Values("Cache-Control"), ",")), nil
}

// ageOf is how long a document may be kept.
func ageOf(cacheControl string) time.Duration {
	age := defaultAge
	for directive := range strings.SplitSeq(cacheControl, ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return minAge
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(age, minAge), maxAge)
}
