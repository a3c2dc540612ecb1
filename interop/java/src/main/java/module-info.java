/** A reader of the mlcore model format: see {@link org.mlcore.Model}. */
module mlcore {
  exports org.mlcore;
}
