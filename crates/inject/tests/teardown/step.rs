//! What ends with the body of a step.

use hookstack_core::Error;
use hookstack_inject::{Dep, Deps, Provider};
use hookstack_inngest::Step;

use crate::logging::{Pool, Upload, logging, responses};
use crate::support::{Log, fail, run_in};

#[tokio::test]
async fn a_step_scope_ends_with_its_body_and_can_fail_it() {
    let log = Log::default();
    let end = log.clone();
    let container = logging(&log)
        .replace(
            Provider::step(async |log: Dep<Log>, _: Dep<Pool>| {
                log.add("+upload");
                Dep::new(Upload)
            })
            .before_response(move |_: Dep<Upload>, ended| {
                end.add(format!("-upload {ended:?}"));
                std::future::ready(if ended.is_ok() { fail("not complete") } else { Ok(()) })
            }),
        )
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let upload = || deps.inject(async |_: Dep<Upload>| Ok::<_, Error>("the output".to_owned()));
        let failed = step.run("upload", upload()).await.expect_err("its teardown fails");
        let declined = deps.inject(async |_: Dep<Upload>| fail::<()>("declined"));
        let declined = step.run("declined", declined).await.expect_err("the body fails");
        Ok::<_, Error>(format!("{} / {}", failed.text(), declined.text()))
    };
    let run = run_in(&container, handler).await;
    assert_eq!(run.output.as_deref(), Some(r#""teardown of `Upload`: not complete / declined""#));
    assert!(!responses(&run).contains("the output"));
    assert_eq!(log.take(), ["+pool", "+upload", "-upload Ok", "+upload", "-upload Error"]);
}
