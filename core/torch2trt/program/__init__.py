"""What was captured: data that later steps read, print, compare and write as JSON."""
