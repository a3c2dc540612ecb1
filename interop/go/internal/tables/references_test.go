package tables

import "testing"

// The pairs and the words are those of tests/test_references.py.
func TestEachDifferenceOfSpellingIsFound(t *testing.T) {
	for _, c := range []struct{ given, known, expected string }{
		{"7", "0007", "is '7' meant to be '0007'? leading zeros differ"},
		{"007", "7", "is '007' meant to be '7'? leading zeros differ"},
		{" 7", "7", "is ' 7' meant to be '7'? spaces around them differ"},
		{"tea", "tea\t", `is 'tea' meant to be 'tea\t'? spaces around them differ`},
		{"i0017", "i17", "is 'i0017' meant to be 'i17'? leading zeros differ"},
		{"0", "00", "is '0' meant to be '00'? leading zeros differ"},
		{"s-1", "S_1", "is 's-1' meant to be 'S_1'? spaces, punctuation or case differ"},
		{"green tea", "green-tea", "is 'green tea' meant to be 'green-tea'? spaces, punctuation or case differ"},
		{"Tea", "TEA", "is 'Tea' meant to be 'TEA'? upper and lower case differ"},
		{"7.0", "7", "is '7.0' meant to be '7'? one has decimals"},
		{"7.0", "0007", "is '7.0' meant to be '0007'? they are spelled in two ways"},
		{"A-07 ", "a7", "is 'A-07 ' meant to be 'a7'? they are spelled in two ways"},
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

func TestASlipInAnIDThatSomebodyTypedIsFound(t *testing.T) {
	for given, expected := range map[string]string{
		"Sugar":  "is 'Sugar' meant to be 'sugar'? upper and lower case differ",
		"sugr":   "is 'sugr' meant to be 'sugar'? one letter differs",
		"sugaar": "is 'sugaar' meant to be 'sugar'? one letter differs",
		"zugar":  "is 'zugar' meant to be 'sugar'? one letter differs",
		"sugra":  "is 'sugra' meant to be 'sugar'? two letters are swapped",
		"i017b":  "is 'i017b' meant to be 'i017a'? one letter differs",
		"i018a":  "the first of the model is 'i017a'",
		"i0170a": "the first of the model is 'i017a'",
		"zugra":  "the first of the model is 'i017a'",
		"ai":     "the first of the model is 'i017a'",
		"":       "the first of the model is 'i017a'",
	} {
		if found := HintAtOne(given, []string{"sugar", "i017a", "te"}, "the model"); found != expected {
			t.Errorf("expected %s, got %s", expected, found)
		}
	}
	if found := HintAtOne("tee", []string{"ten", "tea"}, "the model"); found != "is 'tee' meant to be 'tea'? one letter differs" {
		t.Errorf("got %s", found)
	}
}
