package mlcore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

// Verify checks every byte, index and value of the model: all that Open leaves unread.
func (m *Model) Verify() error {
	return m.use(StageVerify, func() error {
		if err := m.verifyChecksums(); err != nil {
			return err
		}
		if _, err := parseConfig(m.files.data(configFile), m.files.path(configFile)); err != nil {
			return err
		}
		if err := m.parseIDs(&m.items); err != nil {
			return err
		}
		if err := m.parseIDs(&m.users); err != nil {
			return err
		}
		if table := m.ownAttributes; table != nil {
			if err := cmp.Or(table.columns.parse(), table.values.parse()); err != nil {
				return err
			}
		}
		return m.verifyValues()
	})
}

func (m *Model) verifyChecksums() error {
	for _, entry := range m.files.manifest.Files {
		data, place := m.files.data(entry.Name), m.files.path(entry.Name)
		if found := hexSHA256(data); found != entry.SHA256 {
			return refuse(VerdictChecksum, place, "sha256", entry.SHA256, found)
		}
		if specs := expectedArrays(entry.Name, m.files.manifest.Counts); specs != nil {
			if err := verifyCRC(data, specs, place); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseConfig returns the object that config.json must hold.
func parseConfig(data []byte, place string) (*jsontext.Value, error) {
	r := manifestReader{place: place}
	if len(data) > maxManifestBytes {
		return nil, r.refuse("", fmt.Sprintf("at most %d bytes", maxManifestBytes), fmt.Sprint(len(data)))
	}
	if !utf8.Valid(data) {
		return nil, r.refuse("", "UTF-8", "bytes that are none")
	}
	root, err := jsontext.Parse(string(data), maxDepth)
	if err != nil {
		return nil, r.refuse("", "a JSON object", err.Error())
	}
	if root.Kind != jsontext.Object {
		return nil, r.refuse("", "a JSON object", root.Show())
	}
	return &root, nil
}

func hexSHA256(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func (m *Model) verifyValues() error {
	place := m.files.path(similarityFile)
	if err := m.verifyMatrix(&m.similarity, place, true); err != nil {
		return err
	}
	if err := m.verifyPopularity(m.files.path(popularityFile)); err != nil {
		return err
	}
	if m.rule != nil {
		if err := m.verifyNorms(); err != nil {
			return err
		}
	}
	if m.ownAttributes != nil {
		if err := m.verifyAttributes(); err != nil {
			return err
		}
	}
	if !m.files.manifest.WithUsers() {
		return nil
	}
	place = m.files.path(historiesFile)
	if err := m.verifyMatrix(&m.histories, place, false); err != nil {
		return err
	}
	if m.order != nil {
		if err := m.verifyOrder(); err != nil {
			return err
		}
	}
	return m.verifyCounts()
}

// verifyMatrix checks CSR-2 to CSR-4, and CSR-5 for the similarity or else CSR-6.
func (m *Model) verifyMatrix(matrix *csrMatrix, place string, isSimilarity bool) error {
	numItems := len(m.counts)
	valueRule := "a finite number above 0"
	if isSimilarity {
		valueRule = "a finite number other than 0"
	}
	for row := 0; row+1 < len(matrix.indptr); row++ {
		previous := int32(-1)
		for entry := matrix.indptr[row]; entry < matrix.indptr[row+1]; entry++ {
			index, value := matrix.indices[entry], matrix.data[entry]
			fault := func(array, expected string, got any) error {
				return refuse(VerdictCSR, fmt.Sprintf("%s: %s.npy", place, array),
					fmt.Sprintf("element %d", entry), expected, fmt.Sprint(got))
			}
			if index < 0 || int(index) >= numItems {
				return fault("indices", fmt.Sprintf("0 to %d", numItems-1), index)
			}
			if index <= previous {
				return fault("indices", "an index above the one before it in the same row", index)
			}
			if isSimilarity && int(index) == row {
				return fault("indices", "another item than the row's own", index)
			}
			if value-value != 0 || value == 0 || (!isSimilarity && value < 0) {
				return fault("data", valueRule, value)
			}
			previous = index
		}
	}
	return nil
}

// verifyPopularity checks POP-1.
func (m *Model) verifyPopularity(place string) error {
	counts := m.files.manifest.Counts
	place += ": counts.npy"
	sum := int64(0) // at most 2^31 items of at most 2^31 users each: no overflow
	for item, count := range m.counts {
		if count < 0 || count > counts.Users {
			return refuse(VerdictCSR, place, fmt.Sprintf("element %d", item),
				fmt.Sprintf("0 to %d users", counts.Users), fmt.Sprint(count))
		}
		sum += count
	}
	if sum != counts.Interactions {
		return refuse(VerdictCSR, place, "", fmt.Sprintf("a sum of %d interactions", counts.Interactions),
			fmt.Sprint(sum))
	}
	return nil
}

// verifyNorms checks NRM-1.
func (m *Model) verifyNorms() error {
	for item, norm := range m.rule.itemNorms {
		if !isNorm(norm) {
			return refuse(VerdictCSR, m.files.path(normsFile)+": norms.npy", fmt.Sprintf("element %d", item),
				"a finite number of at least 0", shownFloat(norm))
		}
	}
	for position, factor := range m.rule.lengthFactors {
		if !isFinite(factor) {
			return refuse(VerdictCSR, m.files.path(factorsFile)+": factors.npy",
				fmt.Sprintf("element %d", position), "a finite number", shownFloat(factor))
		}
	}
	return nil
}

// verifyOrder checks ORD-3: the positions of a row are 1 to its length, each once.
func (m *Model) verifyOrder() error {
	taken := make([]bool, len(m.order)) // of each row the place before the first
	for user := 1; user < len(m.histories.indptr); user++ {
		begin, end := m.histories.indptr[user-1], m.histories.indptr[user]
		for entry := begin; entry < end; entry++ {
			place := int64(m.order[entry])
			if place < 1 || place > end-begin || taken[begin+place-1] {
				return refuse(VerdictCSR, m.files.path(orderFile)+": positions.npy", fmt.Sprintf("element %d", entry),
					fmt.Sprintf("each of 1 to %d once in the history", end-begin), fmt.Sprint(place))
			}
			taken[begin+place-1] = true
		}
	}
	return nil
}

// verifyCounts checks POP-2, after the histories have been found sound.
func (m *Model) verifyCounts() error {
	found := make([]int64, len(m.counts))
	for _, item := range m.histories.indices {
		found[item]++
	}
	for item, count := range m.counts {
		if found[item] != count {
			return refuse(VerdictCSR, m.files.path(popularityFile)+": counts.npy",
				fmt.Sprintf("element %d", item), fmt.Sprintf("%d users as in histories.npz", found[item]),
				fmt.Sprint(count))
		}
	}
	return nil
}
