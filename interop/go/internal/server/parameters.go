package server

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/filters"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

const (
	defaultN   = 10
	maxIDBytes = 65_535 // MAX_ID_BYTES of the format
)

// listRequest is what a query or a body asks for.
type listRequest struct {
	userID      string
	history     []mlcore.HistoryItem
	n           int
	options     mlcore.RecommendOptions
	fillUnknown bool // whether an unknown user gets popular items
}

// parameter takes the values that a query gives one parameter; there is at least one.
type parameter struct {
	name     string
	repeated bool // whether it may stand more than once
	take     func(r *listRequest, values []string, limits *Limits) *fault
}

var (
	paramN = parameter{"n", false, func(r *listRequest, values []string, limits *Limits) *fault {
		n, err := strconv.ParseUint(values[0], 10, 31)
		if err != nil || n < 1 || n > uint64(limits.MaxN) {
			return badRequest("n", limits.nRule(), show.String(values[0]))
		}
		r.n = int(n)
		return nil
	}}
	paramInclude = parameter{"include", true, func(r *listRequest, values []string, _ *Limits) *fault {
		r.options.Include = values
		return nil
	}}
	paramExclude = parameter{"exclude", true, func(r *listRequest, values []string, _ *Limits) *fault {
		r.options.Exclude = values
		return nil
	}}
	paramFilter = parameter{"filter", false, func(r *listRequest, values []string, _ *Limits) *fault {
		filter, fault := filters.ReadAll(jsontext.NewReader(values[0]).AsWhole())
		r.options.Filter = filter
		return filterFault(fault)
	}}
	paramIncludeSeen = parameter{"include_seen", false, func(r *listRequest, values []string, _ *Limits) *fault {
		return setBool(&r.options.IncludeSeen, "include_seen", values[0])
	}}
	paramFill = parameter{"fill", false, func(r *listRequest, values []string, _ *Limits) *fault {
		return r.setFill(values[0])
	}}
	paramUnknownUser = parameter{"unknown_user", false, func(r *listRequest, values []string, _ *Limits) *fault {
		return r.setUnknownUser(values[0])
	}}
	paramExplain = parameter{"explain", false, func(r *listRequest, values []string, _ *Limits) *fault {
		return setBool(&r.options.Explain, "explain", values[0])
	}}
)

// filterFault returns the fault of a filter, if there is one, by its place in the request.
func filterFault(f *filters.Fault) *fault {
	if f == nil {
		return nil
	}
	return badRequest(strings.Join(append([]string{"filter"}, f.Path...), "."), f.Expected, f.Got)
}

func setBool(value *bool, name, text string) *fault {
	if text != "true" && text != "false" {
		return badRequest(name, "true or false", show.String(text))
	}
	*value = text == "true"
	return nil
}

func (l *Limits) nRule() string { return fmt.Sprintf("an integer from 1 to %d", l.MaxN) }

func (r *listRequest) setFill(text string) *fault {
	if text != "popularity" {
		return badRequest("fill", "'popularity'", show.String(text))
	}
	r.options.Fill = true
	return nil
}

func (r *listRequest) setWeights(text string) *fault {
	if text != "events" && text != "final" {
		return badRequest("weights", "'events' or 'final'", show.String(text))
	}
	r.options.FinalWeights = text == "final"
	return nil
}

func (r *listRequest) setUnknownUser(text string) *fault {
	if text != "error" && text != "fill" {
		return badRequest("unknown_user", "'error' or 'fill'", show.String(text))
	}
	r.fillUnknown = text == "fill"
	return nil
}

// parseQuery reads a query. Parameters of other names are refused: a misspelt one would be passed over
// for years.
func parseQuery(query string, known []parameter, limits *Limits) (listRequest, *fault) {
	r := listRequest{n: min(defaultN, limits.MaxN)}
	if query == "" {
		return r, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return r, badRequest("query", "NAME=VALUE pairs, percent-encoded and joined by &", show.String(query))
	}
	for _, parameter := range known {
		given := values[parameter.name]
		delete(values, parameter.name)
		if len(given) == 0 {
			continue
		}
		if len(given) > 1 && !parameter.repeated {
			return r, badRequest(parameter.name, "one value", strconv.Itoa(len(given)))
		}
		if fault := parameter.take(&r, given, limits); fault != nil {
			return r, fault
		}
	}
	for name := range values {
		return r, badRequest(show.Cut(strings.ToValidUTF8(name, "\uFFFD"), show.Limit),
			parameterRule(known), "a parameter of another name")
	}
	return r, nil
}

func parameterRule(known []parameter) string {
	if len(known) == 0 {
		return "no parameters in the query"
	}
	names := make([]string, len(known))
	for position, parameter := range known {
		names[position] = parameter.name
	}
	return "one of " + strings.Join(names, ", ")
}

// idFault returns what is wrong with an id that no model can have and no answer could give back, or "".
func idFault(id string) (expected, got string) {
	switch {
	case id == "":
		return "an id of at least one character", "an empty one"
	case !utf8.ValidString(id):
		return "UTF-8", show.String(id)
	case len(id) > maxIDBytes:
		return fmt.Sprintf("at most %d bytes", maxIDBytes), strconv.Itoa(len(id))
	}
	return "", ""
}
