package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// words is a flag of words. It may come several times, and hold several each time.
type words []string

// Set implements [flag.Value].
func (w *words) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("it is empty")
	}
	*w = append(*w, strings.Fields(text)...)
	return nil
}

// String implements [flag.Value].
func (w *words) String() string { return strings.Join(*w, " ") }

// span is a flag of a duration, which may be in days: 90d, 36h, 15m.
type span time.Duration

var errSpan = errors.New("write a duration, such as 90d, 36h or 15m")

// Set implements [flag.Value].
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n > 36500 {
			return errSpan
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return errSpan
	}
	*s = span(d)
	return nil
}

// String implements [flag.Value].
func (s *span) String() string {
	if d := time.Duration(*s); d > 0 && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return time.Duration(*s).String()
}

// instant is a flag of a time: a duration from now, a date, or a date and time.
type instant struct {
	after span
	at    time.Time
	set   bool
}

var errInstant = errors.New("write a duration from now, such as 90d, or a time, such as 2027-01-31 or 2027-01-31T12:00:00Z")

// Set implements [flag.Value].
func (i *instant) Set(text string) error {
	*i = instant{set: true}
	if i.after.Set(text) == nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			i.at = at
			return nil
		}
	}
	return errInstant
}

// String implements [flag.Value].
func (i *instant) String() string {
	switch {
	case !i.set:
		return ""
	case i.at.IsZero():
		return i.after.String()
	}
	return i.at.Format(time.RFC3339)
}

// time returns the time, or the zero time if the flag was not there.
func (i *instant) time(now time.Time) time.Time {
	switch {
	case !i.set:
		return time.Time{}
	case i.at.IsZero():
		return now.Add(time.Duration(i.after)).UTC().Truncate(time.Second)
	}
	return i.at.UTC()
}

// future is time, for a flag that must not lie in the past.
func (i *instant) future(name string, now time.Time) (time.Time, error) {
	at := i.time(now)
	if i.set && !at.After(now) {
		return at, usage("--%s %s is not in the future. It is %s now", name, i, now.UTC().Format(time.RFC3339))
	}
	return at, nil
}
