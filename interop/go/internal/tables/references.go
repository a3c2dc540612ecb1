package tables

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// NoneKnown is the error for ids of which none is known to their owner, such as "the model".
func NoneKnown(place, column string, ids, known []string, owner string) *Error {
	noun := map[string]string{"user_id": "users", "item_id": "items"}[column]
	hint := LikelyReason(ids, known)
	switch {
	case hint != "":
	case len(known) == 0:
		hint = owner + " has none"
	default:
		hint = fmt.Sprintf("the first is %s, the first of %s %s", show.String(ids[0]), owner, show.String(slices.Min(known)))
	}
	return &Error{
		Message: fmt.Sprintf("%s: %s: expected %s of %s, got none of them", place, column, noun, owner),
		Hint:    hint,
	}
}

// spellings are what makes two ids equal, and what to say of them, in the order of Python's commands.
var spellings = []struct {
	difference string
	simplify   func(string) string
}{
	{"leading zeros differ", func(id string) string { return strings.TrimLeft(id, "0") }},
	{"spaces around them differ", strings.TrimSpace},
	{"upper and lower case differ", strings.ToLower},
	{"one has decimals", func(id string) string { return strings.TrimSuffix(id, ".0") }},
	{"their Unicode forms differ (NFC, NFD)", decompose},
}

// LikelyReason says how an unknown id may be meant, by the first that is a known one in another
// spelling, or nothing.
func LikelyReason(ids, known []string) string {
	sorted := slices.Sorted(slices.Values(known))
	for _, spelling := range spellings {
		meant := make(map[string]string, len(known))
		for _, id := range sorted {
			if simple := spelling.simplify(id); meant[simple] == "" {
				meant[simple] = id // of those that become equal, the first
			}
		}
		for _, id := range ids {
			if found := meant[spelling.simplify(id)]; found != "" && found != id {
				return fmt.Sprintf("is %s meant to be %s? %s", show.String(id), show.String(found), spelling.difference)
			}
		}
	}
	return ""
}
