package jws

import (
	"context"
	"errors"
	"log/slog"
)

// complaint is the fault of some keys while the others serve. It is logged once, and
// again when it changes. The zero value is no complaint.
type complaint struct{ last string }

func (c *complaint) say(ctx context.Context, logger *slog.Logger, message string, faults ...error) {
	text := ""
	if err := errors.Join(faults...); err != nil {
		text = err.Error()
	}
	switch {
	case text == c.last:
	case text != "":
		logger.ErrorContext(ctx, message, "cause", text)
	default:
		logger.InfoContext(ctx, "all signing keys can be read again")
	}
	c.last = text
}
