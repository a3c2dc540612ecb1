package tables

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

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
	{"leading zeros differ", withoutLeadingZeros},
	{"spaces around them differ", strings.TrimSpace},
	{"upper and lower case differ", strings.ToLower},
	{"one has decimals", func(id string) string { return strings.TrimSuffix(id, ".0") }},
	{"their Unicode forms differ (NFC, NFD)", decompose},
	{"spaces, punctuation or case differ", withoutMarks},
	{"they are spelled in two ways", func(id string) string {
		return withoutLeadingZeros(withoutMarks(strings.TrimSuffix(strings.TrimSpace(id), ".0")))
	}},
}

// withoutMarks removes the spaces and the punctuation of ASCII, and makes letters small.
func withoutMarks(id string) string {
	return strings.ToLower(strings.Map(func(char rune) rune {
		isMark := char < unicode.MaxASCII && (unicode.IsPunct(char) || unicode.IsSymbol(char) || unicode.IsSpace(char))
		if isMark {
			return -1
		}
		return char
	}, id))
}

// withoutLeadingZeros removes the zeros that each number in an id begins with, if digits follow.
func withoutLeadingZeros(id string) string {
	isDigit := func(position int) bool {
		return position >= 0 && position < len(id) && '0' <= id[position] && id[position] <= '9'
	}
	kept := make([]byte, 0, len(id))
	inNumber := false // behind its first digit that counts
	for position := range len(id) {
		inNumber = inNumber && isDigit(position)
		if !inNumber && id[position] == '0' && isDigit(position+1) {
			continue
		}
		inNumber = isDigit(position)
		kept = append(kept, id[position])
	}
	return string(kept)
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
			simple := spelling.simplify(id)
			if found := meant[simple]; simple != "" && found != "" && found != id {
				return fmt.Sprintf("is %s meant to be %s? %s", show.String(id), show.String(found), spelling.difference)
			}
		}
	}
	return ""
}

// HintAtOne says how one unknown id that somebody typed may be meant, or how known ones look. It also
// tries slips: a letter more, fewer or another, or two in each other's place.
func HintAtOne(id string, known []string, owner string) string {
	if reason := LikelyReason([]string{id}, known); reason != "" {
		return reason
	}
	if len(known) == 0 {
		return owner + " has none"
	}
	meant, slip := "", ""
	for _, other := range known {
		if meant != "" && other >= meant {
			continue
		}
		if found := slipBetween([]rune(id), []rune(other)); found != "" {
			meant, slip = other, found
		}
	}
	if meant == "" {
		return fmt.Sprintf("the first of %s is %s", owner, show.String(slices.Min(known)))
	}
	return fmt.Sprintf("is %s meant to be %s? %s", show.String(id), show.String(meant), slip)
}

// leastLetters is how many an id has of which another may be a slip.
const leastLetters = 3

// slipBetween says by which slip two different texts become each other, if by one of letters.
func slipBetween(one, other []rune) string {
	if min(len(one), len(other)) < leastLetters {
		return ""
	}
	for len(one) > 0 && len(other) > 0 && one[0] == other[0] {
		one, other = one[1:], other[1:]
	}
	for len(one) > 0 && len(other) > 0 && one[len(one)-1] == other[len(other)-1] {
		one, other = one[:len(one)-1], other[:len(other)-1]
	}
	isOther := func(char rune) bool { return !unicode.IsLetter(char) }
	switch {
	case slices.ContainsFunc(one, isOther) || slices.ContainsFunc(other, isOther):
		return ""
	case len(one) <= 1 && len(other) <= 1:
		return "one letter differs"
	case len(one) == 2 && len(other) == 2 && one[0] == other[1] && one[1] == other[0]:
		return "two letters are swapped"
	}
	return ""
}
