"""The API document, written from the operations and from the processes that are deployed."""
