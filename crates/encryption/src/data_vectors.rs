//! Data objects that are sealed by fields, of the vectors in `tests/vectors/`.

use hookstack_core::Payload;
use serde::Deserialize;
use serde_json::Value;

use crate::config::EncryptionBuilder;
use crate::data;
use crate::key::Key;
use crate::keyset::Keyset;
use crate::owner::Owner;
use crate::policy::EventPolicy;

#[derive(Deserialize)]
struct File {
    data_objects: Vec<DataObject>,
}

#[derive(Deserialize)]
struct DataObject {
    name: String,
    key: String,
    namespace: String,
    event: String,
    event_id: String,
    fields: Vec<String>,
    data: String,
    /// What a reader makes of it; nothing when it must be refused.
    opened: Option<String>,
}

impl DataObject {
    fn open(&self) -> Option<Payload> {
        let key: Key = self.key.parse().expect("a key");
        let keys = Keyset::builder().namespace(&self.namespace).primary(key).build();
        let policy = EventPolicy::fields(&self.fields);
        let config = EncryptionBuilder::new(keys.expect("a keyset")).config;
        let data = Payload::from_well_formed(self.data.clone());
        let owner = Owner::Event(&self.event);
        let opened = data::open(&config, &policy, owner, Some(&self.event_id), &data);
        opened.ok().map(|(data, _)| data)
    }
}

#[test]
fn data_objects_open_or_are_refused_as_the_vectors_say() {
    let file: File =
        serde_json::from_str(include_str!("../tests/vectors/envelope_v1.json")).expect("vectors");
    let (mut opened, mut refused) = (0, 0);
    for object in file.data_objects {
        match (object.open(), &object.opened) {
            (Some(data), Some(expected)) => {
                let expected: Value = serde_json::from_str(expected).expect("JSON");
                assert_eq!(data.to::<Value>().expect("JSON"), expected, "{}", object.name);
                opened += 1;
            }
            (None, None) => refused += 1,
            (data, _) => panic!("{}: opened {}", object.name, data.is_some()),
        }
    }
    assert_eq!((opened, refused), (1, 7));
}
