package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

// A gzip file is made of pieces that goroutines compress apart: each ends at a whole byte, and refers to
// nothing before it. So the bytes depend on the pieces, but not on who compressed them.

// gzipHeader is that of compress/gzip, without a time or a name.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

var deflaters = sync.Pool{New: func() any {
	writer, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is one of those there are
	}
	return writer
}}

// deflate appends a piece, compressed.
func deflate(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	buffer := bytes.NewBuffer(dst)
	writer := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(writer)
	writer.Reset(buffer)
	writer.Write(text) // to memory, where nothing fails
	writer.Flush()
	return buffer.Bytes()
}

// gzipWriter writes pieces.
type gzipWriter struct {
	sink  io.Writer
	began bool
	crc   uint32
	size  uint32 // modulo 2^32
}

// writePiece writes what deflate made of a text.
func (w *gzipWriter) writePiece(piece, text []byte) error {
	if !w.began {
		w.began = true
		if _, err := w.sink.Write(gzipHeader); err != nil {
			return err
		}
	}
	w.crc = crc32.Update(w.crc, crc32.IEEETable, text)
	w.size += uint32(len(text))
	_, err := w.sink.Write(piece)
	return err
}

func (w *gzipWriter) Write(text []byte) (int, error) {
	if err := w.writePiece(deflate(nil, text), text); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Close ends the file: an empty last block, the checksum and the size.
func (w *gzipWriter) Close() error {
	end := binary.LittleEndian.AppendUint32([]byte{3, 0}, w.crc)
	return w.writePiece(binary.LittleEndian.AppendUint32(end, w.size), nil)
}
