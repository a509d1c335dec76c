/* Object identifiers as they stand in DER, without tag and length. */
#ifndef WIRE_OID_H
#define WIRE_OID_H

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_SHA256 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512 "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_ED25519 "\x2b\x65\x70"
#define OID_ED448 "\x2b\x65\x71"
#define OID_SERVER_AUTH "\x2b\x06\x01\x05\x05\x07\x03\x01"
#define OID_CLIENT_AUTH "\x2b\x06\x01\x05\x05\x07\x03\x02"
#define OID_EMAIL_PROTECTION "\x2b\x06\x01\x05\x05\x07\x03\x04"
#define OID_ANY_USAGE "\x55\x1d\x25\x00"

/* 2.5.29.n: the extensions of RFC 5280 4.2.1, by their last number */
#define OID_EXTENSION "\x55\x1d"
#define EXT_SUBJECT_KEY_ID 14
#define EXT_KEY_USAGE 15
#define EXT_SUBJECT_ALT_NAME 17
#define EXT_BASIC_CONSTRAINTS 19
#define EXT_NAME_CONSTRAINTS 30
#define EXT_POLICIES 32
#define EXT_AUTHORITY_KEY_ID 35
#define EXT_EXTENDED_KEY_USAGE 37

/* 2.5.4.n: attributes of names */
#define OID_ATTRIBUTE "\x55\x04"

#define OID_BYTES(oid) bytes_of(oid, sizeof(oid) - 1)

#endif
