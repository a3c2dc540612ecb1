package tables

import "testing"

// The pairs and the words are those of tests/test_references.py.
func TestEachDifferenceOfSpellingIsFound(t *testing.T) {
	for _, c := range []struct{ given, known, expected string }{
		{"7", "0007", "is '7' meant to be '0007'? leading zeros differ"},
		{"007", "7", "is '007' meant to be '7'? leading zeros differ"},
		{" 7", "7", "is ' 7' meant to be '7'? spaces around them differ"},
		{"tea", "tea\t", `is 'tea' meant to be 'tea\t'? spaces around them differ`},
		{"Tea", "TEA", "is 'Tea' meant to be 'TEA'? upper and lower case differ"},
		{"7.0", "7", "is '7.0' meant to be '7'? one has decimals"},
		{"cafe\u0301", "caf\u00e9", "is 'cafe\u0301' meant to be 'caf\u00e9'? their Unicode forms differ (NFC, NFD)"},
		{"caf\u00e9", "cafe\u0301", "is 'caf\u00e9' meant to be 'cafe\u0301'? their Unicode forms differ (NFC, NFD)"},
		{"\u1ebf", "e\u0302\u0301", "is '\u1ebf' meant to be 'e\u0302\u0301'? their Unicode forms differ (NFC, NFD)"},
		{"\ud55c", "\u1112\u1161\u11ab", "is '\ud55c' meant to be '\u1112\u1161\u11ab'? their Unicode forms differ (NFC, NFD)"},
		{"\u3079", "\u3078\u3099", "is '\u3079' meant to be '\u3078\u3099'? their Unicode forms differ (NFC, NFD)"},
	} {
		if found := LikelyReason([]string{"x", c.given}, []string{"y", c.known}); found != c.expected {
			t.Errorf("expected %s, got %s", c.expected, found)
		}
	}
}

func TestNoReasonIsGivenWhereIDsHaveNothingInCommon(t *testing.T) {
	if found := LikelyReason([]string{"x", "70"}, []string{"y", "7", "caf\u00e9", "caf\u00e8"}); found != "" {
		t.Errorf("got %s", found)
	}
	for hint, known := range map[string][]string{
		"the first is 'x', the first of the model 'y'": {"z", "y"}, "the model has none": nil,
	} {
		if fault := NoneKnown("a.csv", "user_id", []string{"x"}, known, "the model"); fault.Hint != hint {
			t.Errorf("got %s", fault.Hint)
		}
	}
}

func TestOfKnownIDsThatAreSpelledAlikeTheFirstIsNamed(t *testing.T) {
	if found := LikelyReason([]string{"7"}, []string{"07", "007"}); found != "is '7' meant to be '007'? leading zeros differ" {
		t.Errorf("got %s", found)
	}
}
