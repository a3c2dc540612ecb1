package org.mlcore;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.zip.CRC32;

/**
 * A range of a file, mapped or read. Buffers end at 2 GiB, so a file is cut into segments; elements
 * are aligned in the file, so that none lies in two of them.
 */
final class Bytes {
  /** The logarithm of the size of a segment. */
  static final int SEGMENT_BITS = 30;

  /** The bytes of a whole file, and views of them as numbers. */
  private static final class Segments {
    final int bits;
    final ByteBuffer[] bytes;
    final LongBuffer[] longs;
    final IntBuffer[] ints;
    final FloatBuffer[] floats;

    Segments(int bits, int count) {
      this.bits = bits;
      bytes = new ByteBuffer[count];
      longs = new LongBuffer[count];
      ints = new IntBuffer[count];
      floats = new FloatBuffer[count];
    }

    void set(int index, ByteBuffer segment) {
      bytes[index] = segment.order(ByteOrder.LITTLE_ENDIAN);
      longs[index] = bytes[index].asLongBuffer();
      ints[index] = bytes[index].asIntBuffer();
      floats[index] = bytes[index].asFloatBuffer();
    }
  }

  private final Segments segments;
  private final long begin;
  private final long size;

  private Bytes(Segments segments, long begin, long size) {
    this.segments = segments;
    this.begin = begin;
    this.size = size;
  }

  /** Maps a file of a size that has been checked; it throws where that is not possible. */
  static Bytes map(FileChannel file, long size, int bits) throws IOException {
    Segments segments = new Segments(bits, count(size, bits));
    for (int index = 0; index < segments.bytes.length; index++) {
      long at = (long) index << bits;
      segments.set(
          index, file.map(FileChannel.MapMode.READ_ONLY, at, Math.min(size - at, 1L << bits)));
    }
    return new Bytes(segments, 0, size);
  }

  /** Reads such a file. */
  static Bytes read(FileChannel file, long size, int bits) throws IOException {
    Segments segments = new Segments(bits, count(size, bits));
    for (int index = 0; index < segments.bytes.length; index++) {
      long at = (long) index << bits;
      ByteBuffer segment = ByteBuffer.allocate((int) Math.min(size - at, 1L << bits));
      while (segment.hasRemaining()) {
        if (file.read(segment, at + segment.position()) < 0) {
          throw new EOFException("the file ends early");
        }
      }
      segments.set(index, segment.flip());
    }
    return new Bytes(segments, 0, size);
  }

  private static int count(long size, int bits) throws IOException {
    long count = (size + (1L << bits) - 1) >>> bits;
    if (count > Integer.MAX_VALUE - 8) {
      throw new IOException("the file is too large");
    }
    return (int) count;
  }

  long size() {
    return size;
  }

  /** Returns a part that is known to be within. */
  Bytes slice(long from, long length) {
    return new Bytes(segments, begin + from, length);
  }

  private ByteBuffer segment(long at) {
    return segments.bytes[(int) (at >>> segments.bits)];
  }

  private int offset(long at) {
    return (int) (at & ((1L << segments.bits) - 1));
  }

  byte get(long at) {
    return segment(begin + at).get(offset(begin + at));
  }

  /** Returns an element of an array of i32. */
  int getInt(long index) {
    long at = begin + 4 * index;
    return segment(at).getInt(offset(at));
  }

  /** Returns an element of an array of f32. */
  float getFloat(long index) {
    long at = begin + 4 * index;
    return segment(at).getFloat(offset(at));
  }

  /** Returns an element of an array of i64. */
  long getLong(long index) {
    long at = begin + 8 * index;
    return segment(at).getLong(offset(at));
  }

  /** Returns an element of an array of f64. */
  double getDouble(long index) {
    return Double.longBitsToDouble(getLong(index));
  }

  /** Copies bytes. */
  void copy(long from, byte[] into, int place, int count) {
    long at = begin + from;
    for (int done = 0; done < count; ) {
      ByteBuffer segment = segment(at + done);
      int part = Math.min(count - done, segment.limit() - offset(at + done));
      segment.get(offset(at + done), into, place + done, part);
      done += part;
    }
  }

  /** Copies elements of an array of i32. */
  void copyInts(long from, int[] into, int count) {
    long at = begin + 4 * from;
    for (int done = 0; done < count; ) {
      long next = at + 4L * done;
      IntBuffer segment = segments.ints[(int) (next >>> segments.bits)];
      int part = Math.min(count - done, segment.limit() - (offset(next) >>> 2));
      segment.get(offset(next) >>> 2, into, done, part);
      done += part;
    }
  }

  /** Copies elements of an array of i64. */
  void copyLongs(long from, long[] into, int count) {
    long at = begin + 8 * from;
    for (int done = 0; done < count; ) {
      long next = at + 8L * done;
      LongBuffer segment = segments.longs[(int) (next >>> segments.bits)];
      int part = Math.min(count - done, segment.limit() - (offset(next) >>> 3));
      segment.get(offset(next) >>> 3, into, done, part);
      done += part;
    }
  }

  /** Copies elements of an array of f32. */
  void copyFloats(long from, float[] into, int count) {
    long at = begin + 4 * from;
    for (int done = 0; done < count; ) {
      long next = at + 4L * done;
      FloatBuffer segment = segments.floats[(int) (next >>> segments.bits)];
      int part = Math.min(count - done, segment.limit() - (offset(next) >>> 2));
      segment.get(offset(next) >>> 2, into, done, part);
      done += part;
    }
  }

  /** Returns all bytes of a file that is known to be small. */
  byte[] toArray() {
    byte[] copied = new byte[(int) size];
    copy(0, copied, 0, copied.length);
    return copied;
  }

  int crc32() {
    CRC32 crc = new CRC32();
    for (long at = 0; at < size; ) {
      ByteBuffer part = part(at);
      at += part.remaining();
      crc.update(part);
    }
    return (int) crc.getValue();
  }

  void digest(MessageDigest digest) {
    for (long at = 0; at < size; ) {
      ByteBuffer part = part(at);
      at += part.remaining();
      digest.update(part);
    }
  }

  /** Returns what one segment has of the bytes from a place on. */
  private ByteBuffer part(long at) {
    ByteBuffer part = segment(begin + at).duplicate();
    part.position(offset(begin + at));
    part.limit((int) Math.min(part.limit(), part.position() + (size - at)));
    return part;
  }
}
