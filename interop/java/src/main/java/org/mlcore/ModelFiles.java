package org.mlcore;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The files of one model directory: section 2 of SPEC.md. */
final class ModelFiles {
  /** Zeros at the end of a sound file are few: an archive ends in some. */
  private static final int LONGEST_TAIL = 64;

  /** A byte near the end of a mapping, which is gone once the file was truncated. */
  private record Mark(String place, Bytes file, long at, byte value) {}

  final Path directory;
  final Manifest manifest;
  private final Map<String, Bytes> contents = new HashMap<>();
  private final Mark[] marks;
  private volatile ModelException damage; // found in a mapping
  private volatile int settled; // so that nothing above is left out by a compiler

  /** Opens all files; segments have 2^segmentBits bytes. */
  ModelFiles(Path directory, Model.Mode mode, int segmentBits) {
    this.directory = directory;
    if (!Files.isDirectory(directory)) {
      String got = Files.exists(directory) ? "a file" : "no such directory";
      throw ModelException.io(directory.toString(), "a model directory", got, null);
    }
    // One handle of the directory for all files: they belong together even if another model takes
    // its
    // name meanwhile. Where the system has no such handles, the path must do.
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      SecureDirectoryStream<Path> handle =
          stream instanceof SecureDirectoryStream ? (SecureDirectoryStream<Path>) stream : null;
      manifest = readManifest(handle);
      refuseUnlisted(handle);
      for (Manifest.Entry entry : manifest.files.values()) {
        contents.put(entry.name(), load(handle, entry, mode, segmentBits));
      }
    } catch (IOException e) {
      throw ModelException.io(directory.toString(), "a readable directory", e.toString(), e);
    }
    marks = mode == Model.Mode.MAPPED ? marks() : new Mark[0];
  }

  String place(String name) {
    return directory.resolve(name).toString();
  }

  Bytes content(String name) {
    return contents.get(name);
  }

  Npz archive(String name) {
    return new Npz(content(name), manifest.arrays(name), place(name));
  }

  List<Bytes> arrays(String name) {
    return archive(name).arrays();
  }

  private Manifest readManifest(SecureDirectoryStream<Path> handle) throws IOException {
    String place = place(Manifest.NAME);
    try (FileChannel file = open(handle, Manifest.NAME)) {
      long size = file.size();
      if (size > Manifest.MAX_BYTES) {
        String expected = "at most " + Manifest.MAX_BYTES + " bytes";
        throw ModelException.of(Verdict.MANIFEST, place, "", expected, "" + size);
      }
      return new Manifest(Bytes.read(file, size, Bytes.SEGMENT_BITS).toArray(), place);
    } catch (IOException e) {
      throw ModelException.io(place, "a readable file", e.toString(), e);
    }
  }

  private void refuseUnlisted(SecureDirectoryStream<Path> handle) throws IOException {
    for (String name : Manifest.OPTIONAL) {
      if (!manifest.lists(name) && attributes(handle, name) != null) {
        String expected = name + ", which is there";
        throw ModelException.of(
            Verdict.MANIFEST, place(Manifest.NAME), "files", expected, "nothing");
      }
    }
  }

  /**
   * Returns what the system knows of a file itself, not of where a link leads; null if none is
   * there.
   */
  private BasicFileAttributes attributes(SecureDirectoryStream<Path> handle, String name)
      throws IOException {
    try {
      BasicFileAttributeView view =
          handle == null
              ? Files.getFileAttributeView(
                  directory.resolve(name), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
              : handle.getFileAttributeView(
                  Path.of(name), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
      return view.readAttributes();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private FileChannel open(SecureDirectoryStream<Path> handle, String name) throws IOException {
    // Looked at before it is opened, since opening a named pipe waits for its other end.
    BasicFileAttributes attributes = attributes(handle, name);
    if (attributes == null || !attributes.isRegularFile()) {
      String got = attributes == null ? "no such file" : "something else";
      throw ModelException.io(place(name), "a regular file", got, null);
    }
    Set<? extends java.nio.file.OpenOption> options =
        Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    if (handle != null) {
      SeekableByteChannel file = handle.newByteChannel(Path.of(name), options);
      if (file instanceof FileChannel) {
        return (FileChannel) file;
      }
      file.close();
    }
    return FileChannel.open(directory.resolve(name), options);
  }

  /** Maps or reads a file, after its size was found to be as in the manifest. */
  private Bytes load(
      SecureDirectoryStream<Path> handle, Manifest.Entry entry, Model.Mode mode, int segmentBits) {
    String place = place(entry.name());
    try (FileChannel file = open(handle, entry.name())) {
      long size = file.size();
      if (size != entry.bytes()) {
        String expected = entry.bytes() + " bytes as in the manifest";
        throw ModelException.of(Verdict.SIZE, place, "", expected, "" + size);
      }
      if (mode == Model.Mode.MAPPED) {
        try {
          return Bytes.map(file, size, segmentBits);
        } catch (IOException | UnsupportedOperationException e) {
          // Some file systems cannot map; the same bytes are read then.
        }
      }
      return Bytes.read(file, size, segmentBits);
    } catch (IOException e) {
      throw ModelException.io(place, "a readable file", e.toString(), e);
    }
  }

  private Mark[] marks() {
    Mark[] chosen = new Mark[contents.size()];
    int count = 0;
    for (Map.Entry<String, Bytes> entry : contents.entrySet()) {
      Bytes file = entry.getValue();
      long at = file.size() - 1;
      while (at > Math.max(0, file.size() - LONGEST_TAIL) && file.get(at) == 0) {
        at--;
      }
      chosen[count++] = new Mark(place(entry.getKey()), file, at, at < 0 ? 0 : file.get(at));
    }
    return chosen;
  }

  /**
   * Throws once a byte of a mapping is gone, for good: nobody knows what was made of it. Past the
   * end of a truncated file its last page has zeros; on other pages Java throws an InternalError,
   * at once or a little later.
   */
  void expectWhole() {
    if (damage == null) {
      try {
        for (Mark mark : marks) {
          if (mark.at() >= 0 && mark.file().get(mark.at()) != mark.value()) {
            setDamage(mark.place());
          }
        }
      } catch (InternalError e) {
        setDamage(directory.toString());
      }
    }
    expectUndamaged();
  }

  /** Notes that reading a mapping failed. */
  void setDamage(String place) {
    if (damage == null) {
      damage =
          ModelException.io(place, "a file that stays as it was opened", "a truncated one", null);
    }
    // Compiled code goes on after such a fault, and the error comes at the next call into the
    // virtual
    // machine: now, and not in the caller. Two dimensions make such a call, whatever is compiled.
    for (int size = 1; size < 4; size++) {
      try {
        settled = new byte[size][size].length;
      } catch (InternalError e) {
        // It is what the damage says.
      }
    }
  }

  /** Throws if reading a mapping failed before; no mapping is looked at. */
  void expectUndamaged() {
    if (damage != null) {
      throw damage;
    }
  }
}
