"""Questions from and to files of other programs: tables, quiz texts, XML; uses base."""
