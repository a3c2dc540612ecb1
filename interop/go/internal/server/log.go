package server

import (
	"io"
	"log/slog"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// NewLog returns a log in lines of JSON that a terminal may show. Nothing is lost by its escapes.
func NewLog(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(printable{out}, &slog.HandlerOptions{Level: level}))
}

// printable is a writer of whole lines of JSON.
type printable struct{ out io.Writer }

func (p printable) Write(line []byte) (int, error) {
	if _, err := io.WriteString(p.out, show.JSON(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
