package mlcore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	npzAlignment  = 64
	localSize     = 30         // fixed part of a local header
	zip64Limit    = 0xFFFFFFFF // sizes and offsets from here on stand in a zip64 field
	zip64Field    = 1
	alignField    = 0xD935
	date19800101  = 0x0021
	madeByUnix    = 3 << 8
	regularFile   = 0o100644 << 16
	versionPlain  = 20
	versionZip64  = 45
	end64Size     = 44 // bytes that follow the size field of the zip64 end record
	sizeInExtra   = 4  // offset of the size within a zip64 field
	sizeAt        = 22
	crcAt         = 14
	alignFieldLen = 6 // without its padding
)

// npzMember is one member's place in an archive; all headers follow from it.
type npzMember struct {
	name   string // with .npy
	offset uint64 // of its local header
	crc    uint32
	size   uint64
	start  uint64 // of its content
}

// appendLocalHeader writes the one local header that such a member can have.
func (m *npzMember) appendLocalHeader(dst []byte) []byte {
	var zip64 []byte
	version, size := uint16(versionPlain), uint32(m.size)
	if m.size >= zip64Limit {
		version, size = versionZip64, zip64Limit
		zip64 = appendLittle(zip64, uint16(zip64Field), uint16(16), m.size, m.size)
	}
	before := m.offset + localSize + uint64(len(m.name)) + uint64(len(zip64)) + alignFieldLen
	padding := int(-before % npzAlignment)
	extra := len(zip64) + alignFieldLen + padding
	dst = append(dst, "PK\x03\x04"...)
	dst = appendLittle(dst, version, uint16(0), uint16(0), uint16(0), uint16(date19800101),
		m.crc, size, size, uint16(len(m.name)), uint16(extra))
	dst = append(dst, m.name...)
	dst = append(dst, zip64...)
	dst = appendLittle(dst, uint16(alignField), uint16(2+padding), uint16(npzAlignment))
	return append(dst, make([]byte, padding)...)
}

// appendCentralHeader writes the one central header that such a member can have.
func (m *npzMember) appendCentralHeader(dst []byte) []byte {
	var fields []byte
	size, offset := uint32(m.size), uint32(m.offset)
	if m.size >= zip64Limit {
		size = zip64Limit
		fields = appendLittle(fields, m.size, m.size)
	}
	if m.offset >= zip64Limit {
		offset = zip64Limit
		fields = appendLittle(fields, m.offset)
	}
	version := uint16(versionPlain)
	var extra []byte
	if len(fields) > 0 {
		version = versionZip64
		extra = append(appendLittle(nil, uint16(zip64Field), uint16(len(fields))), fields...)
	}
	dst = append(dst, "PK\x01\x02"...)
	dst = appendLittle(dst, madeByUnix|version, version, uint16(0), uint16(0), uint16(0),
		uint16(date19800101), m.crc, size, size, uint16(len(m.name)), uint16(len(extra)),
		uint16(0), uint16(0), uint16(0), uint32(regularFile), offset)
	dst = append(dst, m.name...)
	return append(dst, extra...)
}

// appendDirectory writes everything that follows the last member's content, which ends at offset.
func appendDirectory(dst []byte, members []npzMember, offset uint64) []byte {
	begin := len(dst)
	for index := range members {
		dst = members[index].appendCentralHeader(dst)
	}
	size, count := uint64(len(dst)-begin), uint64(len(members))
	start := uint32(offset)
	if offset >= zip64Limit {
		start = zip64Limit
		dst = append(dst, "PK\x06\x06"...)
		dst = appendLittle(dst, uint64(end64Size), uint16(madeByUnix|versionZip64), uint16(versionZip64),
			uint32(0), uint32(0), count, count, size, offset)
		dst = append(dst, "PK\x06\x07"...)
		dst = appendLittle(dst, uint32(0), offset+size, uint32(1))
	}
	dst = append(dst, "PK\x05\x06"...)
	return appendLittle(dst, uint16(0), uint16(0), uint16(count), uint16(count), uint32(size), start, uint16(0))
}

func appendLittle(dst []byte, values ...any) []byte {
	for _, value := range values {
		switch value := value.(type) {
		case uint16:
			dst = binary.LittleEndian.AppendUint16(dst, value)
		case uint32:
			dst = binary.LittleEndian.AppendUint32(dst, value)
		case uint64:
			dst = binary.LittleEndian.AppendUint64(dst, value)
		default:
			panic(fmt.Sprintf("appendLittle: unexpected %T", value)) // a mistake in this file
		}
	}
	return dst
}

// readNpz returns the members of an archive and where their content stands (section 5 of SPEC.md).
//
// The headers are written anew from what they say and compared with the bytes that stand there:
// whatever the profile does not allow differs somewhere.
func readNpz(data []byte, specs []arraySpec, place string) ([]npzMember, error) {
	members := make([]npzMember, 0, len(specs))
	var offset uint64
	for _, spec := range specs {
		member, err := readMember(data, spec.name+".npy", offset, place)
		if err != nil {
			return nil, err
		}
		members = append(members, member)
		offset = member.start + member.size
	}
	if !bytes.Equal(data[offset:], appendDirectory(nil, members, offset)) {
		return nil, refuse(VerdictContainer, place, fmt.Sprintf("byte %d", offset),
			"the central directory of exactly these members", "other bytes")
	}
	return members, nil
}

func readMember(data []byte, name string, offset uint64, place string) (npzMember, error) {
	where := fmt.Sprintf("byte %d", offset)
	header := data[offset:]
	if len(header) < localSize {
		return npzMember{}, refuse(VerdictContainer, place, where, "the member "+name, "the end of the file")
	}
	member := npzMember{
		name:   name,
		offset: offset,
		crc:    binary.LittleEndian.Uint32(header[crcAt:]),
		size:   uint64(binary.LittleEndian.Uint32(header[sizeAt:])),
	}
	if at := localSize + len(name) + sizeInExtra; member.size == zip64Limit && len(header) >= at+8 {
		member.size = binary.LittleEndian.Uint64(header[at:])
	}
	expected := member.appendLocalHeader(nil)
	if !bytes.HasPrefix(header, expected) {
		return npzMember{}, refuse(VerdictContainer, place, where,
			fmt.Sprintf("the member %s, stored and aligned to %d bytes", name, npzAlignment), "other bytes")
	}
	member.start = offset + uint64(len(expected))
	if room := uint64(len(data)) - member.start; member.size > room {
		return npzMember{}, refuse(VerdictContainer, place, where,
			fmt.Sprintf("%d bytes of %s", member.size, name), fmt.Sprint(room))
	}
	return member, nil
}

// readArrays returns the elements of each array of an archive as bytes, in the order of specs.
func readArrays(data []byte, specs []arraySpec, place string) ([][]byte, error) {
	// All of the container first, so that a fault in it is never reported as one of an array.
	members, err := readNpz(data, specs, place)
	if err != nil {
		return nil, err
	}
	arrays := make([][]byte, len(specs))
	for index, member := range members {
		content := data[member.start : member.start+member.size]
		arrays[index], err = npyPayload(content, specs[index], place+": "+member.name)
		if err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

// verifyCRC checks the CRC-32 of each member.
func verifyCRC(data []byte, specs []arraySpec, place string) error {
	members, err := readNpz(data, specs, place)
	if err != nil {
		return err
	}
	for _, member := range members {
		crc := crc32.ChecksumIEEE(data[member.start : member.start+member.size])
		if crc != member.crc {
			return refuse(VerdictChecksum, place, member.name,
				fmt.Sprintf("CRC-32 %08x", member.crc), fmt.Sprintf("%08x", crc))
		}
	}
	return nil
}
