package mlcore

import (
	"fmt"
	"time"
)

// Timestamp is a point in time, in whole microseconds; its zero value is none.
type Timestamp struct {
	microseconds int64 // since 1970 UTC
	isKnown      bool
}

// UnixMicro returns the point in time so many microseconds after 1970 UTC.
func UnixMicro(microseconds int64) Timestamp { return Timestamp{microseconds, true} }

// check refuses what the format calls no time.
func (t Timestamp) check(name string) error {
	if t.isKnown && !isMoment(t.microseconds) {
		return refuseRequest(name, "a time of the years 1 to 9999", shownTime(t.microseconds))
	}
	return nil
}

// referenceLayout is how config.json writes times.
const referenceLayout = "2006-01-02T15:04:05.000000Z"

// parseReference reads a time that stands exactly so, in the years 1 to 9999.
func parseReference(text string) (int64, bool) {
	moment, err := time.Parse(referenceLayout, text)
	// Back and forth, since Parse takes more forms than the layout has.
	if err != nil || moment.Year() == 0 || moment.Format(referenceLayout) != text {
		return 0, false
	}
	return moment.UnixMicro(), true
}

func shownTime(microseconds int64) string {
	moment := time.UnixMicro(microseconds).UTC()
	if year := moment.Year(); year < 1 || year > 9999 {
		return fmt.Sprintf("%d microseconds after 1970", microseconds)
	}
	return moment.Format(referenceLayout)
}
