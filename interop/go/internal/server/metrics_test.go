package server

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	metricComment = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	metricSample  = regexp.MustCompile(`^([a-z_]+)((?:\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})?) ([0-9.e+-]+)$`)
)

// parseMetrics reads the text format of Prometheus: HELP and TYPE before the samples of each family, no
// series twice, and buckets that do not decrease and end in their count.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	kinds := map[string]string{}
	family, bucket := "", 0.0
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if comment := metricComment.FindStringSubmatch(line); comment != nil {
			family = comment[2]
			if comment[1] == "TYPE" {
				kinds[family] = comment[3]
			}
			continue
		}
		sample := metricSample.FindStringSubmatch(line)
		if sample == nil {
			t.Fatalf("malformed line %q", line)
		}
		name, series := sample[1], sample[1]+sample[2]
		value, err := strconv.ParseFloat(sample[3], 64)
		if _, isKnown := values[series]; err != nil || isKnown || math.IsNaN(value) {
			t.Fatalf("line %q: twice, or %v", line, err)
		}
		values[series] = value
		switch kinds[family] {
		case "counter":
			if name != family || !strings.HasSuffix(name, "_total") {
				t.Errorf("line %q in family %s", line, family)
			}
		case "gauge":
			if name != family {
				t.Errorf("line %q in family %s", line, family)
			}
		case "histogram":
			switch strings.TrimPrefix(name, family) {
			case "_bucket":
				if value < bucket {
					t.Errorf("line %q: less than the bucket before", line)
				}
				bucket = value
			case "_count":
				if value != bucket {
					t.Errorf("line %q: expected the last bucket, %v", line, bucket)
				}
				bucket = 0
			case "_sum":
			default:
				t.Errorf("line %q in family %s", line, family)
			}
		default:
			t.Errorf("line %q: no TYPE before it", line)
		}
	}
	return values
}

func TestMetricsCountWhatWasAnswered(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	begun := time.Now()
	for range 3 {
		server.get(t, "/v1/users/u0002/recommendations")
	}
	server.get(t, "/v1/users/u0002/recommendations?n=0")
	server.get(t, "/v1/users/nobody/recommendations")
	server.post(t, "{}")
	server.get(t, "/nowhere")
	send(t, "PUT", server.url+"/healthz", "", "")
	elapsed := time.Since(begun).Seconds()
	answer := server.get(t, "/metrics")
	if got := answer.header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	values := parseMetrics(t, answer.body)
	const users = `mlcore_requests_total{route="/v1/users/{id}/recommendations",status=`
	for series, want := range map[string]float64{
		users + `"200"}`: 3, users + `"400"}`: 1, users + `"404"}`: 1, users + `"500"}`: 0,
		`mlcore_requests_total{route="/v1/recommendations",status="400"}`:                             1,
		`mlcore_requests_total{route="none",status="404"}`:                                            1,
		`mlcore_requests_total{route="/healthz",status="405"}`:                                        1,
		`mlcore_request_duration_seconds_count{route="/v1/users/{id}/recommendations"}`:               5,
		`mlcore_request_duration_seconds_bucket{route="/v1/users/{id}/recommendations",le="+Inf"}`:    5,
		`mlcore_requests_in_flight`:                                                                   1, // this one
		`mlcore_models_open`:                                                                          1,
		`mlcore_last_reload_failed`:                                                                   0,
		`mlcore_reloads_total{result="ok"}`:                                                           0,
		`mlcore_reloads_total{result="refused"}`:                                                      0,
		fmt.Sprintf(`mlcore_model_info{digest="%s",users="129",items="126"}`, nameOf(t, cosineModel)): 1,
	} {
		if got, isThere := values[series]; !isThere || got != want {
			t.Errorf("%s: got %v, want %v", series, got, want)
		}
	}
	sum := values[`mlcore_request_duration_seconds_sum{route="/v1/users/{id}/recommendations"}`]
	if sum <= 0 || sum > elapsed {
		t.Errorf("5 requests took %v s of %v s", sum, elapsed)
	}
	loaded := values["mlcore_model_loaded_timestamp_seconds"]
	if now := float64(time.Now().UnixMilli()) / 1000; loaded > now || loaded < now-60 {
		t.Errorf("loaded at %v", loaded)
	}
}

func TestDurationsStandInTheirBuckets(t *testing.T) {
	r := newRouteMetrics([]int{200})
	for _, duration := range []time.Duration{0, 100 * time.Microsecond, 100*time.Microsecond + 1, 5 * time.Second, time.Minute} {
		r.observe(200, duration)
	}
	last := len(bounds)
	for bucket, want := range map[int]int64{0: 2, 1: 1, 2: 0, last - 1: 1, last: 1} {
		if got := r.buckets[bucket].Load(); got != want {
			t.Errorf("bucket %d: got %d, want %d", bucket, got, want)
		}
	}
}

func TestHalfASecondIsNotRoundedAway(t *testing.T) {
	var e exposition
	e.sample("a", 1795254210.869, "b", "c", "d", "e")
	e.sample("a", 1e9)
	if got, want := string(e), "a{b=\"c\",d=\"e\"} 1795254210.869\na 1000000000\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMetricsCountListsAndWhatTheModelDoesNotHave(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	const users = "/v1/users/"
	expected := [4]float64{} // empty, filled, unknown users, unknown items
	for _, c := range []struct {
		path, body string
		adds       [4]float64
	}{
		{users + "u0002/recommendations", "", [4]float64{}},
		{users + "u0002/recommendations?include=none", "", [4]float64{1}},
		{users + "u0002/recommendations?n=200&fill=popularity", "", [4]float64{0, 1}},
		{users + "u0002/recommendations?n=200&fill=popularity&exclude=0032", "", [4]float64{0, 1}},
		{users + "u0002/recommendations?n=1&fill=popularity", "", [4]float64{}},
		{users + "nobody/recommendations", "", [4]float64{0, 0, 1}},
		{users + "nobody/recommendations?unknown_user=fill", "", [4]float64{0, 1, 1}},
		{users + "nobody/recommendations?unknown_user=fill&exclude=0032", "", [4]float64{0, 1, 1}},
		{users + "nobody/recommendations?unknown_user=fill&include=none", "", [4]float64{1, 0, 1}},
		{users + "u0002/recommendations?n=0", "", [4]float64{}},
		{"/v1/items/0032/similar", "", [4]float64{}},
		{"/v1/items/nothing/similar", "", [4]float64{0, 0, 0, 1}},
		{"", `{"history": []}`, [4]float64{1}},
		{"", `{"history": [{"item_id": "0032"}, {"item_id": "x"}, {"item_id": "y"}]}`, [4]float64{0, 0, 0, 2}},
		{"", `{"history": [{"item_id": "x"}], "fill": "popularity"}`, [4]float64{0, 1, 0, 1}},
		{"", `{"user_id": "nobody"}`, [4]float64{0, 0, 1}},
	} {
		if c.body == "" {
			server.get(t, c.path)
		} else {
			server.post(t, c.body)
		}
		values := parseMetrics(t, server.get(t, "/metrics").body)
		for position, name := range []string{"empty_lists", "filled_lists", "unknown_users", "unknown_items"} {
			expected[position] += c.adds[position]
			if got := values["mlcore_"+name+"_total"]; got != expected[position] {
				t.Errorf("%s%s: %s: got %v, want %v", c.path, c.body, name, got, expected[position])
				expected[position] = got
			}
		}
	}
}
