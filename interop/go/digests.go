package mlcore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Digests identify the content of a model whatever the bytes of its containers: the conformance suite
// compares them.
type Digests struct {
	// Arrays has, for each such as "similarity.npz/data", the SHA-256 of its little-endian elements.
	Arrays map[string]string
	// IDs has, for each id map, the SHA-256 of u32 length and UTF-8 bytes of each id, in order.
	IDs map[string]string
}

// ContentDigests computes the digests of all arrays and id maps.
func (m *Model) ContentDigests() (*Digests, error) {
	digests := &Digests{Arrays: map[string]string{}, IDs: map[string]string{}}
	err := m.use(StageVerify, func() error {
		for index := range m.files.files {
			if err := m.addDigests(digests, &m.files.files[index]); err != nil {
				return err
			}
		}
		return nil
	})
	return digests, err
}

func (m *Model) addDigests(digests *Digests, file *fileData) error {
	if strings.HasSuffix(file.name, ".csv") {
		return addIDDigest(digests, file.name, m.idMapOf(file.name))
	}
	specs := m.files.manifest.arrays(file.name)
	if specs == nil {
		return nil
	}
	arrays, err := m.readArrays(file.name)
	for index := range arrays {
		digests.Arrays[file.name+"/"+specs[index].name] = hexSHA256(arrays[index])
	}
	return err
}

func (m *Model) idMapOf(file string) *idMap {
	switch file {
	case usersFile:
		return &m.users
	case attributeColumnsFile:
		return &m.ownAttributes.columns
	case attributeValuesFile:
		return &m.ownAttributes.values
	}
	return &m.items
}

func addIDDigest(digests *Digests, name string, ids *idMap) error {
	if err := ids.parse(); err != nil {
		return err
	}
	digest := sha256.New()
	var room []byte
	for index := 0; index < ids.count; index++ {
		room = ids.appendID(append(room[:0], 0, 0, 0, 0), index)
		binary.LittleEndian.PutUint32(room, uint32(len(room)-4))
		digest.Write(room)
	}
	digests.IDs[name] = hex.EncodeToString(digest.Sum(nil))
	return nil
}
